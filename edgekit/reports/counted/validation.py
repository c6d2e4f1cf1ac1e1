"""How far estimates are off on a board, in figures and words."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ...types import Validated, Validation

HEADINGS = ("model", "artifact", "runtime", "measured ms", "estimated ms", "estimated / measured", "verdict")
FEWEST = 3
"""Artifacts below which an order says nothing."""


@dataclass(frozen=True)
class Errors:
    """Of the artifacts of one runtime and precision.

    Attributes:
        median_ratio: estimated over measured.
        median, largest: of the errors relative to the measured latency.
        rank: Spearman's correlation of both; None for fewer than three artifacts.
    """

    of: str
    count: int
    median_ratio: float
    median: float
    largest: float
    rank: float | None

    @property
    def words(self) -> str:
        """One line."""
        said = (
            f"{self.of}, {self.count} artifact{'s' * (self.count != 1)}: estimated {self.median_ratio:.2f} of the "
            f"measured latency in the median, median error {self.median:.0%}, largest {self.largest:.0%}"
        )
        return said if self.rank is None else f"{said}, rank correlation {self.rank:.2f}"


def errors_of(found: Validation) -> list[Errors]:
    """For each runtime and precision: what was measured with its runtime in another version counts all the same."""
    groups = dict.fromkeys((row.runtime, row.precision) for row in found.rows)
    return [
        errors(f"{runtime} {precision}", [r for r in found.rows if (r.runtime, r.precision) == (runtime, precision)])
        for runtime, precision in groups
    ]


def errors(of: str, rows: Sequence[Validated]) -> Errors:
    """Of one group."""
    off = [abs(row.ratio - 1) for row in rows]
    return Errors(
        of=of,
        count=len(rows),
        median_ratio=statistics.median(row.ratio for row in rows),
        median=statistics.median(off),
        largest=max(off),
        rank=rank(rows),
    )


def rank(rows: Sequence[Validated]) -> float | None:
    """Spearman's correlation of measured and estimated latency; None where too few differ."""
    measured, estimated = [row.p50_ms for row in rows], [row.estimated_ms for row in rows]
    if len(rows) < FEWEST or len(set(measured)) == 1 or len(set(estimated)) == 1:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(measured, estimated)[0])


def cells(row: Validated) -> tuple[str, ...]:
    """A row under ``HEADINGS``."""
    versions = dict.fromkeys((row.measured_version, row.counted_version))
    return (
        row.model,
        row.profile,
        f"{row.runtime} {', counted '.join(versions)}",
        f"{row.p50_ms:.1f}",
        f"{row.estimated_ms:.1f}",
        f"{row.ratio:.2f}",
        row.verdict,
    )
