"""Whether words of a plot keep clear of marks, lines and each other, at every width that the plot may be shown at.

A plot's horizontal places are shares of its width, and words are as long as they are: two boxes that are apart at one
width may touch at another. Both ends of a box move linearly with the width, so every width is looked at, not some.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .svg import text

Size = Literal["wide", "narrow"]
WIDTHS: dict[Size, tuple[float, float]] = {"wide": (430.0, 1400.0), "narrow": (280.0, 620.0)}
"""Least and greatest width, pixels, at which the style sheet shows each set of labels."""
CHARACTER, AXIS_CHARACTER = 7.0, 7.6
"""Width of a character at the style sheet's 11 and 12 px, pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle: its sides are a share of the width and pixels beside it; top and bottom are pixels."""

    left: tuple[float, float]
    right: tuple[float, float]
    top: float
    bottom: float

    def inside(self, height: float, size: Size) -> bool:
        """True when it stays in a plot of this height at every width."""
        begin = all(self.left[0] * width + self.left[1] >= 0 for width in WIDTHS[size])
        end = all(self.right[0] * width + self.right[1] <= width for width in WIDTHS[size])
        return begin and end and self.top >= 0 and self.bottom <= height


def around(share: float, y: float, radius: float) -> Box:
    """The box of a mark."""
    return Box((share, -radius), (share, radius), y - radius, y + radius)


def line(share: float, y: float, other_share: float, other_y: float) -> Box:
    """The box of a straight line, which is best cut into short pieces where it slopes."""
    left, right = sorted((share, other_share))
    top, bottom = sorted((y, other_y))
    return Box((left, -1.5), (right, 1.5), top - 1.5, bottom + 1.5)


@dataclass(frozen=True)
class Words:
    """Words at a place of the plot.

    Attributes:
        share, y: the place; ``y`` is the baseline.
        dx: pixels beside it.
        css: ``label`` or ``axis``.
    """

    words: str
    share: float
    y: float
    anchor: Literal["start", "middle", "end"]
    dx: float = 0.0
    css: Literal["label", "axis"] = "label"

    @property
    def box(self) -> Box:
        """What they cover."""
        long = len(self.words) * (CHARACTER if self.css == "label" else AXIS_CHARACTER)
        begin = self.dx - {"start": 0.0, "middle": long / 2, "end": long}[self.anchor]
        return Box((self.share, begin), (self.share, begin + long), self.y - 11, self.y + 4)

    def drawn(self) -> str:
        """As SVG."""
        return text(self.css, self.share, self.y, self.words, self.anchor, self.dx)


def first_clear(wishes: Iterable[Words], others: Sequence[Box], height: float, size: Size) -> Words | None:
    """The first wish that stays in the plot and covers nothing; None where none does."""
    for wish in wishes:
        box = wish.box
        if box.inside(height, size) and not any(meet(box, other, size) for other in others):
            return wish
    return None


def meet(a: Box, b: Box, size: Size) -> bool:
    """True when two boxes share some area at one width at least."""
    if a.bottom <= b.top or b.bottom <= a.top:
        return False
    low, high = WIDTHS[size]

    def gaps(left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
        """How far ``right`` is beyond ``left`` at the least and the greatest width."""
        return tuple((right[0] - left[0]) * width + right[1] - left[1] for width in (low, high))  # type: ignore[return-value]

    first, second = positive(*gaps(a.left, b.right)), positive(*gaps(b.left, a.right))
    return first is not None and second is not None and max(first[0], second[0]) < min(first[1], second[1])


def positive(begin: float, end: float) -> tuple[float, float] | None:
    """Where a line from ``begin`` to ``end`` is above zero, as a part of 0 to 1."""
    if begin <= 0 and end <= 0:
        return None
    if begin > 0 and end > 0:
        return 0.0, 1.0
    zero = begin / (begin - end)
    return (0.0, zero) if begin > 0 else (zero, 1.0)
