"""Artifacts compared by paired measurements, and the choice that followed."""

from __future__ import annotations

from .base import Frozen


class Ratio(Frozen):
    """Latency of a base over that of another, from pairs of fresh processes: above 1 = the other is faster.

    Attributes:
        ratio: 20 %-trimmed mean of the pairs' log ratios, as a ratio.
        low, high: its interval (Yuen 1974) at ``confidence``.
    """

    ratio: float
    low: float
    high: float
    pairs: int
    confidence: float = 0.95

    @property
    def faster(self) -> bool:
        """True when the whole interval says that the other is faster."""
        return self.low > 1

    @property
    def slower(self) -> bool:
        """True when the whole interval says that the other is slower."""
        return self.high < 1
