"""Artifacts measured in rounds, by latency, with what is known of the fastest against each other one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...types import Evaluation, Measurement, Ratio
from ..brief.alike import grouped
from ..compared.compare import BUSY_SHARE, is_busy


@dataclass(frozen=True)
class Standing:
    """An artifact in its place.

    Attributes:
        launches: one of each round; the first knows the memory too.
        ratio: its latency over that of the fastest, with an interval; None for the fastest itself.
        evaluation: of its accuracy, where one is kept.
    """

    name: str
    launches: tuple[Measurement, ...]
    ratio: Ratio | None
    evaluation: Evaluation | None = None

    @property
    def measurement(self) -> Measurement:
        """The first launch."""
        return self.launches[0]

    @property
    def p50_ms(self) -> float:
        """Median over the launches of their medians."""
        return statistics.median(launch.p50_ms for launch in self.launches)

    @property
    def cold_ms(self) -> float:
        """Median over the launches of loading and the first inference."""
        return statistics.median((one.load_ns + one.first_inference_ns) / 1e6 for one in self.launches)

    @property
    def tied(self) -> bool:
        """True when it may be as fast as the fastest."""
        return self.ratio is None or self.ratio.low <= 1


@dataclass(frozen=True)
class Ranking:
    """All artifacts, the fastest first.

    Attributes:
        confidence: that no interval of all of them is wrong.
        doubts: why not to trust it.
    """

    standings: tuple[Standing, ...]
    confidence: float
    doubts: tuple[str, ...]

    @property
    def tied(self) -> tuple[Standing, ...]:
        """The fastest and those that may be as fast."""
        return tuple(one for one in self.standings if one.tied)

    @property
    def too_noisy(self) -> bool:
        """True when most launches of an artifact met a busy machine."""
        return any(busy(one) > BUSY_SHARE * len(one.launches) for one in self.standings)


def busy(one: Standing) -> int:
    """Launches that met a busy machine."""
    return sum(is_busy(launch) for launch in one.launches)


def ranking(
    launches: Mapping[str, Sequence[Measurement]],
    ratios: Mapping[str, Ratio],
    evaluations: Mapping[str, Evaluation],
    confidence: float,
) -> Ranking:
    """The ranking of artifacts by name.

    Args:
        launches: of each, one a round.
        ratios: of each but the fastest, its latency over the fastest's.
        evaluations: of those whose accuracy is known.
        confidence: of all ratios together.
    """
    standings = sorted(
        (Standing(name, tuple(taken), ratios.get(name), evaluations.get(name)) for name, taken in launches.items()),
        key=lambda one: (one.ratio is not None, one.p50_ms),
    )
    beside = [
        ("", f"something else ran beside {busy(one)} of {len(one.launches)} launches of", one.name)
        for one in standings
        if busy(one)
    ]
    doubts = [f"{text} {', '.join(names)}: wait for an idle machine" for _, text, names in grouped(beside)]
    hot = [one.name for one in standings if any(m.verdict.name == "throttled" for m in one.launches)]
    if hot:
        doubts.append(f"throttled in part: {', '.join(hot)}")
    return Ranking(tuple(standings), confidence, tuple(doubts))
