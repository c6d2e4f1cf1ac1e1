"""Limits that a reader has set, and which measurements keep them; found by whoever makes the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kept:
    """Which measurements keep the limits.

    Attributes:
        words: the limits; empty when there are none.
        missed: by the number of a measurement, the limits that it does not keep.
    """

    words: str = ""
    missed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def keeps(self, number: int) -> bool:
        """True for a measurement that misses none."""
        return not self.missed.get(number)


NO_LIMITS = Kept()
