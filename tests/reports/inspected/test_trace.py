"""A trace of one inference: operators end to end, in microseconds."""

from __future__ import annotations

import json

from edgekit.reports.inspected.trace import chrome_trace
from edgekit.types import OpTime


def test_operators_stand_end_to_end() -> None:
    times = [
        OpTime(name="a", type="Conv", ns=1500),
        OpTime(name="b", type="Relu", ns=250),
        OpTime(name="c", type="Add", ns=0),
    ]
    found = json.loads(chrome_trace('net "x"', "litert", times))
    events = [event for event in found["traceEvents"] if event["ph"] == "X"]
    assert [(e["name"], e["ts"], e["dur"], e["args"]["name"]) for e in events] == [
        ("Conv", 0.0, 1.5, "a"),
        ("Relu", 1.5, 0.25, "b"),
        ("Add", 1.75, 0.0, "c"),
    ]
    names = {event["name"]: event["args"]["name"] for event in found["traceEvents"] if event["ph"] == "M"}
    assert names == {"process_name": 'net "x"', "thread_name": "litert, typical times"}
