"""Marks: colour says the format, shape the precision, a dashed outline that the measurement is in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...base.clean import for_html
from ...types import Measurement
from ..summary import Row
from .clear import Box, Size, Words, around, first_clear
from .svg import number, percent
from .words import short, tip


def shape(precision: str, radius: float) -> str:
    """A mark around the origin: circle float32, square float16, diamond int8, triangle int8 weights; of one area."""
    if precision == "fp16":
        half = number(radius * 0.886)
        return f'<path d="M-{half}-{half}H{half}V{half}H-{half}z"/>'
    if precision == "int8":
        far = number(radius * 1.253)
        return f'<path d="M0-{far}L{far} 0L0 {far}L-{far} 0z"/>'
    if precision in ("dynamic", "weight-only"):
        far, side, up = (number(radius * k) for k in (0.778, 1.347, 1.555))
        return f'<path d="M0-{up}L{side} {far}H-{side}z"/>'
    return f'<circle r="{number(radius)}"/>'


def doubtful(m: Measurement) -> bool:
    """True when the verdict is not ``stable``."""
    return m.verdict.name != "stable"


def mark(row: Row, share: float, y: float, radius: float, *, hollow: bool = False) -> str:
    """A mark that links to the measurement's details."""
    m = row.measurement
    css = f"mark {m.format}{' hollow' if hollow else ''}{' doubt' if doubtful(m) else ''}"
    return (
        f'<a href="#m{row.number}" class="{css}" data-row="{row.number}"><title>{for_html(tip(row))}</title>'
        f'<svg x="{percent(share)}" y="{number(y)}" class="open">{shape(m.precision, radius)}</svg></a>'
    )


@dataclass(frozen=True)
class Place:
    """A mark's centre and half its size, with what to write beside it."""

    row: Row
    share: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        """What the mark covers; a diamond reaches farther than the circle of its area."""
        return around(self.share, self.y, self.radius * 1.3 + 1)

    def beside(self, words: str) -> Iterator[Words]:
        """Where words may stand: right, left, above, below."""
        gap = self.radius * 1.3 + 3
        yield Words(words, self.share, self.y + 4, "start", gap)
        yield Words(words, self.share, self.y + 4, "end", -gap)
        yield Words(words, self.share, self.y - gap - 3, "middle")
        yield Words(words, self.share, self.y + gap + 10, "middle")


def labels(places: Sequence[Place], height: float, size: Size, others: Sequence[Box] = ()) -> str:
    """Names beside the marks where they cover nothing, else numbers, else nothing; biggest wish first: the wide set.

    Args:
        places: the marks.
        height: of the plot, pixels.
        size: the set of labels.
        others: lines and words that stand in the plot already.
    """
    boxes = [*(place.box for place in places), *others]
    drawn = []
    for place in places:
        m = place.row.measurement
        numbered = f"#{place.row.number}"
        texts = [f"{numbered} {short(m.model)} {m.precision}", numbered] if size == "wide" else [numbered]
        found = first_clear((wish for words in texts for wish in place.beside(words)), boxes, height, size)
        if found is not None:
            boxes.append(found.box)
            drawn.append(found.drawn())
    return f'<g class="{size}" aria-hidden="true">{"".join(drawn)}</g>'
