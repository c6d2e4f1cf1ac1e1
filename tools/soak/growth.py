"""Do figures grow over time, or only wobble?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .traces import Traces

TOLERATED = {
    "rss_bytes": 8_000_000.0,
    "descriptors": 2.0,
    "threads": 1.0,
    "children": 0.5,
    "scratch": 1.0,
    "there": 1.0,
}
"""What the last third may have more than the second: an allocator's slack, and what runs beside us."""
FEWEST = 6
"""Looks: of fewer no third is left to tell anything by."""


@dataclass(frozen=True)
class Growth:
    """One figure over a soak.

    Attributes:
        first: the median of the first third, which fills caches and does not count.
        middle, last: those of the two other thirds.
    """

    name: str
    first: float
    middle: float
    last: float

    @property
    def flat(self) -> bool:
        """True when the last third is no higher than the middle one, as far as can be told."""
        return self.last - self.middle <= TOLERATED[self.name]


def growths(looks: Sequence[Traces]) -> list[Growth]:
    """Each figure that the looks have, over time.

    Raises:
        ValueError: too few looks.
    """
    if len(looks) < FEWEST:
        raise ValueError(f"{len(looks)} looks tell nothing of growth, and {FEWEST} do: soak longer")
    third = len(looks) // 3
    found = []
    for name in TOLERATED:
        told = [getattr(look, name) for look in looks]
        if None not in told:
            parts = (told[:third], told[third : 2 * third], told[2 * third :])
            found.append(Growth(name, *(float(statistics.median(part)) for part in parts)))
    return found
