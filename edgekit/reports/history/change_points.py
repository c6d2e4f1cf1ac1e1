"""Where a series of latencies changed: E-divisive with a permutation test (Matteson and James 2014, JASA 109).

It is implemented here because the maintained library for it (apache-otava) pins numpy and scipy to one minor version
and depends on clients of databases and of a chat service. The energy statistic compares whole distributions, not only
means, and makes no assumption about them.
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
TIE = 1e-9
"""Statistics that differ by a smaller share are equal."""
PERMUTATIONS = 299
MIN_SEGMENT = 4
"""Fewer values on a side leave too few permutations for any of them to be rare."""
MIN_CHANGE = 0.01
"""Smaller steps of the median are below what two launches of one thing differ by."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChangePoint:
    """The values changed between ``index - 1`` and ``index``; ``p`` is how often chance does as much."""

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
    index, statistic = strongest(distances)
    # Orders of equal values have equal statistics but for rounding; they count as reaching it.
    least = statistic - TIE * abs(statistic)
    allowed = math.floor(ALPHA * (PERMUTATIONS + 1)) - 1
    reached = 0
    for _ in range(PERMUTATIONS):
        order = generator.permutation(count)
        if strongest(distances[np.ix_(order, order)])[1] >= least:
            reached += 1
            if reached > allowed:
                return None
    return ChangePoint(index, (reached + 1) / (PERMUTATIONS + 1))


def strongest(distances: Floats) -> tuple[int, float]:
    """The split with the largest energy statistic ``mn / (m + n) (2 between - within left - within right)``.

    The right side may end before the series does; otherwise a rise that falls again would not show.

    Args:
        distances: of every pair of values, symmetric, in their order.
    """
    count = len(distances)
    sums = np.zeros((count + 1, count + 1))
    distances.cumsum(0, out=sums[1:, 1:]).cumsum(1, out=sums[1:, 1:])
    within = sums.diagonal()  # twice, of the values before each place
    split = np.arange(MIN_SEGMENT, count - MIN_SEGMENT + 1)[:, None]
    end = np.arange(2 * MIN_SEGMENT, count + 1)[None, :]
    m, n = split.astype(np.float64), np.maximum(end - split, 2).astype(np.float64)
    across = sums[split, end] - within[split]
    right = within[end] - within[split] - 2 * across
    energy = 2 * across / (m * n) - within[split] / (m * (m - 1)) - right / (n * (n - 1))
    statistic = np.where(end - split >= MIN_SEGMENT, m * n / (m + n) * energy, -np.inf)
    best, _ = np.unravel_index(int(statistic.argmax()), statistic.shape)
    return int(split[best, 0]), float(statistic.max())


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
