"""One inference as a trace that Perfetto and Chrome open: each operator's time, laid end to end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...types import OpTime

PROCESS, THREAD = 1, 1


def chrome_trace(title: str, runtime: str, times: Sequence[OpTime]) -> str:
    """The trace, as JSON.

    Runtimes tell each operator's time over many inferences, not when it began: they stand one after the other, without
    the gaps between them, so the whole is what the operators take together.

    Args:
        title: of the file.
        runtime: that executed it.
        times: in order of execution.
    """
    events: list[dict[str, object]] = [
        {"ph": "M", "pid": PROCESS, "name": "process_name", "args": {"name": title}},
        {
            "ph": "M",
            "pid": PROCESS,
            "tid": THREAD,
            "name": "thread_name",
            "args": {"name": f"{runtime}, typical times"},
        },
    ]
    begin_ns = 0
    for place, one in enumerate(times):
        events.append(
            {
                "ph": "X",
                "pid": PROCESS,
                "tid": THREAD,
                "name": one.type,
                "cat": "operator",
                "ts": begin_ns / 1000,  # the format counts microseconds
                "dur": one.ns / 1000,
                "args": {"name": one.name, "place": place},
            }
        )
        begin_ns += one.ns
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}, indent=1) + "\n"
