"""One artifact that runs when it is told to: the child of :mod:`benchmarks.turns`.

``python -m benchmarks.turn_taker REQUEST.json`` loads and warms up as the agent's ``bench`` does and says so, then
answers every line of stdin, ``{"min_s": S, "min_iterations": N}``, with the latencies of one turn, until stdin closes.
Between turns it waits there and costs nothing.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

from edgekit.agent.inputs import set_inputs
from edgekit.agent.protocol import AgentError, emit, keep_protocol, read_request
from edgekit.agent.runtimes.base import Runtime
from edgekit.agent.runtimes.choose import load_model, make_runtime
from edgekit.agent.sampling import sample, warm_up
from edgekit.agent.state import state

LEAD_IN_NS = 3_000_000
"""A turn begins with one or more inferences that do not count: they bring back the caches that others used."""
MOST = 1000
"""Inferences in a turn, at most."""


def main() -> int:
    """Serve until stdin closes; the exit code."""
    keep_protocol()
    try:
        serve(read_request(sys.argv[1:]))
    except AgentError as error:
        emit({"error": str(error)})
        return 1
    return 0


def serve(request: dict[str, Any]) -> None:
    """Load, warm up, and take a turn for every line of stdin."""
    runtime = make_runtime(request)
    before = state()
    load_ns = load_model(runtime, request)
    set_inputs(runtime, request)
    first = [0]
    sample(runtime.run, first, 0, 1, 0)
    runtime.prove(request["model"])
    gc.collect()
    gc.disable()
    warm = warm_up(runtime.run, request, request["max_s"])
    emit(
        {
            "load_ns": load_ns,
            "first_inference_ns": first[0],
            "warmup_count": len(warm),
            "load_1m": before["load_1m"],
            "clock_khz": before["clock_khz"],
        }
    )
    for line in sys.stdin:
        asked = json.loads(line)
        turn(runtime, 1, LEAD_IN_NS)
        emit({"samples_ns": turn(runtime, asked["min_iterations"], int(asked["min_s"] * 1e9))})


def turn(runtime: Runtime, least: int, least_ns: int) -> list[int]:
    """Nanoseconds of each inference, until there are ``least`` and ``least_ns`` are over."""
    taken = [0] * MOST
    until = time.perf_counter_ns() + least_ns
    count = sample(runtime.run, taken, 0, least, sys.maxsize)
    if time.perf_counter_ns() < until:
        count = sample(runtime.run, taken, count, MOST, until)
    return taken[:count]


if __name__ == "__main__":
    sys.exit(main())
