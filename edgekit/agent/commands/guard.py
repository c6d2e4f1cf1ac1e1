"""The command ``guard``."""

from __future__ import annotations

import time
from typing import Optional

from ..cores import affinity
from ..machine import machine
from ..protocol import Json
from ..reading import per_cpu, read_int
from ..state import state

SENTINEL_RUNS = 15


def sentinel_ns() -> int:
    """Median time of a fixed piece of integer and memory work, which shows how fast the machine is now."""
    source = bytes(1 << 20)
    times = []
    for _ in range(SENTINEL_RUNS + 5):  # the first ones wake the clock up
        begin = time.perf_counter_ns()
        total = 0
        for value in range(40000):
            total += value & 7
        for _ in range(8):
            bytearray(source)
        times.append(time.perf_counter_ns() - begin)
    return sorted(times[5:])[SENTINEL_RUNS // 2]


def guard(request: Optional[Json] = None) -> Json:
    """``guard``: the machine between two measurements: its state, a sentinel's time, and what must not change."""
    took = sentinel_ns()
    return {
        "state": state(),
        "sentinel_ns": took,
        "info": machine(),
        "min_clock_khz": per_cpu("scaling_min_freq", read_int),
        "affinity": affinity(),
    }
