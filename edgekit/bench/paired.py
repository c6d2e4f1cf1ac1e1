"""Compare artifacts on one device: fresh processes, interleaved in random order.

Disturbances (clocks, neighbours, the memory layout of a launch) affect all of them alike, so only ratios within a round
mean anything; see Kalibera and Jones 2013, and :func:`edgekit.base.stats.trimmed_ratio`.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..base.progress import Progress, silent, telling
from ..base.stats import trimmed_ratio
from ..types import Measurement, Ratio, Stored
from .session import Limits, Session

BRIEF = Limits(warmup_min_iterations=5, warmup_min_s=0.2, min_iterations=20, min_s=0.4, max_s=1.5)
"""Limits of one launch among many: launches differ by more than a longer look at one of them would resolve."""

Round = Mapping[str, Measurement]
"""One launch of each contender, by its name."""


@dataclass(frozen=True)
class Contender:
    """An artifact that takes part, under a name of its own."""

    name: str
    stored: Stored


def rounds(
    session: Session, contenders: Sequence[Contender], seed: int = 0, progress: Progress = silent
) -> Iterator[Round]:
    """Endless rounds, each with a fresh process per contender, in random order; the caller decides when to stop.

    Args:
        session: where and how long; its limits hold for every launch.
        contenders: of different names; an artifact may take part twice (A/A).
        seed: of the orders.
        progress: receives an event as each step begins.

    Raises:
        ToolError: a launch failed.
    """
    order = shuffled(seed)
    for number in itertools.count(1):
        yield one_round(session, order(contenders), telling(f"round {number}", progress))


def shuffled(seed: int = 0) -> Callable[[Sequence[Contender]], list[Contender]]:
    """A function that gives its contenders in another random order on each call."""
    source = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    return lambda contenders: source.sample(contenders, len(contenders))


def one_round(session: Session, contenders: Sequence[Contender], progress: Progress = silent) -> Round:
    """A fresh process per contender, in the order given.

    Raises:
        ToolError: a launch failed.
    """
    return {one.name: session.latency(one.stored, telling(one.name, progress)) for one in contenders}


def log_ratios(taken: Sequence[Round], base: str, other: str) -> list[float]:
    """``ln(p50 of base / p50 of other)`` of every round that has both: above 0 = the other is faster."""
    return [math.log(one[base].p50_ms / one[other].p50_ms) for one in taken if base in one and other in one]


def ratio_of(taken: Sequence[Round], base: str, other: str, confidence: float = 0.95) -> Ratio:
    """Latency of ``base`` over that of ``other``.

    Raises:
        ValueError: fewer than five rounds have both.
    """
    return ratio_of_logs(log_ratios(taken, base, other), confidence)


def ratio_of_logs(logs: Sequence[float], confidence: float = 0.95) -> Ratio:
    """The ratio, with its interval, that the rounds' log ratios tell.

    Raises:
        ValueError: fewer than five.
    """
    ratio, low, high = trimmed_ratio(logs, confidence)
    return Ratio(ratio=ratio, low=low, high=high, pairs=len(logs), confidence=confidence)
