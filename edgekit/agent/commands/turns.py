"""The command ``turns``: an artifact that runs on request, so that several can take turns."""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any, Callable, List

from ..inputs import set_inputs
from ..protocol import Json, emit
from ..runtimes.choose import load_model, make_runtime
from ..sampling import sample, warm_up
from ..state import state
from .bench import described

LEAD_IN_NS = 3_000_000
"""A turn begins with one or more inferences that do not count: they bring back the caches that others used."""
MOST = 1000
"""Inferences in a turn, at most."""


def turns(request: Json) -> Json:
    """``turns``: load and warm up as ``bench`` does, then take a turn for every line of stdin until that closes.

    It says ``{"event": "ready"}`` when it is warm, and answers every line, ``{"min_s": S, "min_iterations": N}``, with
    ``{"event": "turn", "samples_ns": [...]}``. Between turns it waits on stdin and costs nothing. Value: as of
    ``bench``, with the samples of all turns, and in ``spent_s`` the seconds from the first look at the device to the
    last, most of which it waited.
    """
    runtime = make_runtime(request)
    before, begin = state(), time.monotonic()
    load_ns = load_model(runtime, request)
    set_inputs(runtime, request)
    first = [0]
    sample(runtime.run, first, 0, 1, 0)
    runtime.prove(request["model"])
    gc.collect()
    gc.disable()
    warm = warm_up(runtime.run, request, request["max_s"])
    emit({"event": "ready"})
    taken: List[int] = []
    for line in sys.stdin:
        asked = json.loads(line)
        turn(runtime.run, 1, LEAD_IN_NS)
        samples = turn(runtime.run, asked["min_iterations"], int(asked["min_s"] * 1e9))
        emit({"event": "turn", "samples_ns": samples})
        taken += samples
    gc.enable()
    told = described(runtime, load_ns, first[0], warm, taken, before)
    return dict(told, ended_by="iterations", energy=None, energy_note="", spent_s=time.monotonic() - begin)


def turn(run: Callable[[], Any], least: int, least_ns: int) -> List[int]:
    """Nanoseconds of each inference, until there are ``least`` and ``least_ns`` are over."""
    taken = [0] * MOST
    until = time.perf_counter_ns() + least_ns
    count = sample(run, taken, 0, least, sys.maxsize)
    if time.perf_counter_ns() < until:
        count = sample(run, taken, count, MOST, until)
    return taken[:count]
