"""What breaking ShuffleNet V2's guidelines costs on one device: its paper's micro-benchmarks, run there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Format, Frozen
from .devices import Device

Guideline = Literal["G1", "G2", "G3", "G4"]


class ProbeCost(Frozen):
    """One micro-benchmark against the one of its guideline that keeps it.

    Attributes:
        name: of the network, fit for a folder.
        says: what it is, for people.
        degree: how far it breaks the guideline: the ratio of widths, the groups, the fragments; 1 keeps it.
        macs: multiply-accumulates.
        ms: of one inference, the median of the rounds.
        ratio: time for each multiply-accumulate, over that of the one that keeps the guideline; low and high are the
            95 % interval over the rounds, the ratio itself where it was counted.
    """

    guideline: Guideline
    name: str
    says: str
    degree: float = Field(ge=1)
    macs: int = Field(gt=0)
    ms: float = Field(gt=0)
    ratio: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)

    @property
    def proven(self) -> bool:
        """False where the interval holds 1: the rounds do not tell whether breaking the guideline costs anything."""
        return self.low == self.high or not self.low <= 1.0 <= self.high


class Calibration(Frozen):
    """All micro-benchmarks on one device; the content of ``<reports>/<device>/guidelines/<format>.json``.

    Attributes:
        kind_of_cost: by a clock, or estimated from counted instructions.
        rounds: of fresh processes in random order; 1 where it was counted.
    """

    schema_version: Literal[1] = 1
    device: Device
    format: Format
    runtime_version: str
    threads: int = Field(ge=1)
    kind_of_cost: Literal["measured", "counted"]
    rounds: int = Field(ge=1)
    probes: tuple[ProbeCost, ...] = Field(min_length=1)
    measured_at: str
    edgekit_version: str

    def of(self, guideline: Guideline) -> list[ProbeCost]:
        """The micro-benchmarks of a guideline, by degree."""
        return sorted((one for one in self.probes if one.guideline == guideline), key=lambda one: one.degree)

    def factor(self, guideline: Guideline, degree: float) -> float | None:
        """How much longer a multiply-accumulate takes at a degree, between the two nearest that were tried.

        None for a guideline that was not tried, or of which the rounds prove nothing; beyond the largest degree its
        factor holds. What is not proven is left out.
        """
        # Where one degree was tried in several ways, the dearest counts.
        points: dict[float, float] = {1.0: 1.0}
        for one in self.of(guideline):
            if not one.proven:
                continue
            points[one.degree] = max(points.get(one.degree, 0.0), one.ratio)
        if len(points) < 2:
            return None
        places = sorted(points)
        above = next((place for place in places if place >= degree), places[-1])
        below = max((place for place in places if place <= degree), default=above)
        if above == below or degree >= places[-1]:
            return points[above]
        share = (degree - below) / (above - below)
        return points[below] + share * (points[above] - points[below])
