"""Time inferences until their median is known well enough."""

from __future__ import annotations

import math
import time
from typing import Any, Callable, List, Optional, Sequence, Tuple

from .protocol import Json


def relative_half_width(samples: Sequence[int]) -> Optional[float]:
    """Half-width of the median's 95 % interval by order statistics, over the median; None below 8 samples."""
    ordered, n = sorted(samples), len(samples)
    low = math.floor((n - 1.96 * math.sqrt(n)) / 2)
    high = math.ceil(1 + (n + 1.96 * math.sqrt(n)) / 2)
    if low < 1 or high > n:
        return None
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
    return (ordered[high - 1] - ordered[low - 1]) / 2.0 / median if median > 0 else None


def sample(run: Callable[[], Any], into: List[int], start: int, stop: int, deadline: int) -> int:
    """Time single inferences into ``into[start:stop]`` until ``deadline`` (perf_counter_ns); the count filled."""
    clock = time.perf_counter_ns
    index = start
    while index < stop:
        begin = clock()
        run()
        end = clock()
        into[index] = end - begin
        index += 1
        if end > deadline:
            break
    return index


def warm_up(run: Callable[[], Any], request: Json, max_s: float) -> List[int]:
    """At least ``warmup_min_iterations`` and ``warmup_min_s``, ended by ``max_s``; nanoseconds each."""
    least, least_ns = request.get("warmup_min_iterations", 10), int(request.get("warmup_min_s", 0.5) * 1e9)
    taken: List[int] = []
    begin = time.perf_counter_ns()
    while True:
        buffer = [0]
        sample(run, buffer, 0, 1, begin)
        taken += buffer
        elapsed = time.perf_counter_ns() - begin
        if (len(taken) >= least and elapsed >= least_ns) or elapsed > max_s * 1e9:
            return taken


def measure(run: Callable[[], Any], request: Json, max_s: float) -> Tuple[List[int], str]:
    """Samples, nanoseconds each, and what ended them: "precision", "time" or "iterations"."""
    least, least_ns = request.get("min_iterations", 50), int(request.get("min_s", 1.0) * 1e9)
    most, target = request.get("max_iterations", 20000), request.get("target_half_width", 0.01)
    samples = [0] * most
    begin = time.perf_counter_ns()
    deadline = begin + int(max_s * 1e9)
    count = 0
    while True:
        # Sorting disturbs the caches, so look only after each tenth more.
        goal = min(most, max(least, count + max(10, count // 10)))
        count = sample(run, samples, count, goal, deadline)
        now = time.perf_counter_ns()
        if now > deadline:
            return samples[:count], "time"
        if now - begin >= least_ns:
            width = relative_half_width(samples[:count])
            if width is not None and width < target:
                return samples[:count], "precision"
        if count >= most:
            return samples[:count], "iterations"


def middle(values: List[int]) -> int:
    """The upper median."""
    return sorted(values)[len(values) // 2]
