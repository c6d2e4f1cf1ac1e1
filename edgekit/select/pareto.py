"""Choosing among measured artifacts: limits, MnasNet's objective (arXiv:1807.11626, section 3), the Pareto front."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..base.stats import p50_interval
from ..errors import UsageError
from ..types import Evaluation, Summary

SOFT = -0.07
"""MnasNet's w: the paper saw about 5 % relative accuracy gained by doubling the latency."""


@dataclass(frozen=True)
class Limits:
    """The limits that an artifact must keep; None for no limit.

    Attributes:
        latency_ms: of the median.
        size_mb: decimal megabytes a device has to hold.
        accuracy: top-1, percent.
    """

    latency_ms: float | None = None
    size_mb: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no limit.

        Raises:
            UsageError: infinite, not a number, or below zero.
        """
        for name, value in (("latency", self.latency_ms), ("size", self.size_mb), ("accuracy", self.accuracy)):
            if value is not None and not 0 <= value < math.inf:
                raise UsageError(f"the limit of the {name} is {value:g}", "give a number from 0 on, or leave it out")


@dataclass(frozen=True)
class Candidate:
    """A measured artifact.

    Attributes:
        accuracy: top-1, percent; None when none is known.
        source: who published it, or where it was measured.
        evaluation: what was evaluated of this very artifact.
    """

    measurement: Summary
    accuracy: float | None
    source: str
    evaluation: Evaluation | None = None

    @property
    def latency_ms(self) -> float:
        """Median latency."""
        return self.measurement.p50_ms

    @property
    def size_mb(self) -> float:
        """Decimal megabytes."""
        return self.measurement.artifact_bytes / 1e6


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place.

    Attributes:
        objective: ``accuracy * (latency / target) ** w``; None without an accuracy.
        missed: the limits that it does not keep, in words.
        front: no other candidate is at least as good in latency, size and accuracy, and better in one.
    """

    candidate: Candidate
    objective: float | None
    missed: tuple[str, ...]
    front: bool


def rank(candidates: Sequence[Candidate], limits: Limits, exponent: float = SOFT) -> list[Ranked]:
    """Those that keep the limits first, by falling objective, then by rising latency.

    Args:
        candidates: at least one.
        limits: what must be kept; the latency limit is the objective's target T, the candidates' median without one.
        exponent: the objective's w, 0 or below; 0 looks at accuracy alone.
    """
    target = limits.latency_ms or statistics.median(one.latency_ms for one in candidates)
    on_front = front(candidates)
    ranked = [
        Ranked(
            one,
            objective(one, target, exponent),
            tuple(missed(one, limits)),
            place in on_front,
        )
        for place, one in enumerate(candidates)
    ]
    return sorted(ranked, key=lambda r: (bool(r.missed), -(r.objective or 0.0), r.candidate.latency_ms))


def objective(candidate: Candidate, target_ms: float, exponent: float) -> float | None:
    """``ACC(m) * (LAT(m) / T) ** w``, equation 2 with alpha = beta = w; in percent."""
    if candidate.accuracy is None:
        return None
    return candidate.accuracy * float((candidate.latency_ms / target_ms) ** exponent)


def missed(candidate: Candidate, limits: Limits) -> list[str]:
    """The limits that a candidate does not keep."""
    said = []
    if limits.latency_ms is not None and candidate.latency_ms > limits.latency_ms:
        said.append(f"{candidate.latency_ms:.3g} ms, over {limits.latency_ms:g}")
    if limits.size_mb is not None and candidate.size_mb > limits.size_mb:
        said.append(f"{candidate.size_mb:.3g} MB, over {limits.size_mb:g}")
    if limits.accuracy is not None:
        if candidate.accuracy is None:
            said.append("no accuracy is known")
        elif candidate.accuracy < limits.accuracy:
            said.append(f"top-1 {candidate.accuracy:g} %, below {limits.accuracy:g}")
    return said


def front(candidates: Sequence[Candidate]) -> set[int]:
    """The places of those that no other dominates: is nowhere worse and somewhere better.

    An unknown accuracy is worse than any. From the fastest on, a candidate is dominated when one before it is no larger
    and no less accurate: of these the steps are kept, ever smaller and less accurate.
    """
    points = [(one.latency_ms, one.size_mb, -(one.accuracy or 0.0)) for one in candidates]
    found: set[int] = set()
    sizes: list[float] = []  # rising; the errors beside them fall
    errors: list[float] = []
    for point, group in groupby(sorted(range(len(points)), key=points.__getitem__), key=points.__getitem__):
        _, size, error = point
        place = bisect_right(sizes, size)
        if place and errors[place - 1] <= error:
            continue
        found.update(group)
        begin = bisect_left(sizes, size)
        end = begin
        while end < len(sizes) and errors[end] >= error:
            end += 1
        sizes[begin:end], errors[begin:end] = [size], [error]
    return found


def near_limit(candidate: Candidate, limits: Limits) -> bool:
    """True when the latency limit lies within the interval of the median: it may well not be kept."""
    found = p50_interval(candidate.measurement)
    return limits.latency_ms is not None and found is not None and found[0] <= limits.latency_ms * 1e6 < found[1]
