"""Where a series of latencies changed: E-divisive with a permutation test (Matteson and James 2014, JASA 109).

It is written out here because the kept library that has it (apache-otava) pins numpy and scipy to one minor version and
brings clients of databases and of a chat service along. The energy statistic looks at whole distributions, not at means
alone, and assumes nothing of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.01
"""A series of pure noise shows a change point about this often."""
PERMUTATIONS = 499
MIN_SEGMENT = 4
"""Fewer values on a side leave too few permutations for any of them to be rare."""
MIN_CHANGE = 0.01
"""Smaller steps of the median are below what two launches of one thing differ by."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChangePoint:
    """Between ``index - 1`` and ``index`` the values changed; ``p`` is how often chance does as much."""

    index: int
    p: float


def change_points(values: Sequence[float], seed: int = 0) -> list[ChangePoint]:
    """The change points of positive ``values``, in order; none in fewer than eight.

    Args:
        values: in order of time; their logarithms are looked at, so that changes are relative.
        seed: of the permutations: the same values always give the same points.
    """
    logs = np.log(np.asarray(values, dtype=np.float64))
    generator = np.random.default_rng(seed)
    found: list[ChangePoint] = []
    open_segments = [(0, len(logs))]
    while open_segments:
        low, high = open_segments.pop()
        split = best_split(logs[low:high], generator)
        if split is not None:
            found.append(ChangePoint(low + split.index, split.p))
            open_segments += [(low, low + split.index), (low + split.index, high)]
    return drop_small(logs, sorted(found, key=lambda point: point.index))


def best_split(segment: Floats, generator: np.random.Generator) -> ChangePoint | None:
    """Where a segment divides best, when it does so better than its permutations."""
    count = len(segment)
    if count < 2 * MIN_SEGMENT:
        return None
    distances = np.abs(segment[:, None] - segment[None, :])
    index, statistic = strongest(distances, np.arange(count))
    allowed = math.floor(ALPHA * (PERMUTATIONS + 1)) - 1
    reached = 0
    for _ in range(PERMUTATIONS):
        if strongest(distances, generator.permutation(count))[1] >= statistic:
            reached += 1
            if reached > allowed:
                return None
    return ChangePoint(index, (reached + 1) / (PERMUTATIONS + 1))


def strongest(distances: Floats, order: NDArray[np.int64]) -> tuple[int, float]:
    """The split with the largest energy statistic ``mn / (m + n) (2 between - within left - within right)``.

    Args:
        distances: of every pair of values, symmetric.
        order: which value stands at each place.
    """
    count = len(order)
    place = np.empty_like(order)
    place[order] = np.arange(count)
    # Of each value: the distances to those before it. No value moves, which spares copying the distances.
    to_earlier = np.einsum("ab,ab->b", distances, (place[:, None] < place[None, :]).astype(np.float64))
    splits = np.arange(MIN_SEGMENT, count - MIN_SEGMENT + 1)
    left = to_earlier[order].cumsum()[splits - 1]
    across = distances.sum(0)[order].cumsum()[splits - 1] - 2 * left
    right = distances.sum() / 2 - left - across
    m, n = splits.astype(np.float64), (count - splits).astype(np.float64)
    energy = 2 * (across / (m * n) - left / (m * (m - 1)) - right / (n * (n - 1)))
    statistic = m * n / (m + n) * energy
    best = int(statistic.argmax())
    return int(splits[best]), float(statistic[best])


def drop_small(logs: Floats, points: list[ChangePoint]) -> list[ChangePoint]:
    """Without the points at which the median moves by less than ``MIN_CHANGE``, the smallest first."""
    points = list(points)
    while points:
        edges = [0, *(point.index for point in points), len(logs)]
        medians = [float(np.median(logs[a:b])) for a, b in pairwise(edges)]
        steps = [abs(b - a) for a, b in pairwise(medians)]
        smallest = min(range(len(steps)), key=steps.__getitem__)
        if steps[smallest] >= math.log1p(MIN_CHANGE):
            break
        del points[smallest]
    return points
