"""Marks: colour says the format, shape the precision, a dashed outline that the measurement is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...base.clean import for_html
from ...types import Measurement
from ..summary import Row
from .svg import number, percent, text
from .words import short, tip

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""
CHARACTER = 6.4
"""Width of a label's character at the style sheet's 11 px, pixels."""
Size = Literal["wide", "narrow"]
ASSUMED: dict[Size, float] = {"wide": 430.0, "narrow": 280.0}
"""Widths of the plot for which labels are placed, pixels: the least that the style sheet shows each set at."""


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


def labels(places: Sequence[Place], height: float, size: Size) -> str:
    """Names beside the marks where they cover nothing, else numbers, else nothing; biggest wish first: the wide set."""
    width = ASSUMED[size]
    boxes = [(p.share * width - p.radius, p.y - p.radius, p.share * width + p.radius, p.y + p.radius) for p in places]
    drawn = []
    for place in places:
        m = place.row.measurement
        numbered = f"#{place.row.number}"
        texts = [f"{numbered} {short(m.model)} {m.precision}", numbered] if size == "wide" else [numbered]
        found = next((spot for words in texts if (spot := free_spot(place, words, boxes, width, height))), None)
        if found is None:
            continue
        words, box, anchor, dx, y = found
        boxes.append(box)
        drawn.append(text("label", place.share, y, words, anchor, dx))
    return f'<g class="{size}" aria-hidden="true">{"".join(drawn)}</g>'


def free_spot(
    place: Place, words: str, boxes: Sequence[Box], width: float, height: float
) -> tuple[str, Box, str, float, float] | None:
    """Where ``words`` cover no mark and no other label: the box, anchor, offset and baseline."""
    long = len(words) * CHARACTER
    x, gap = place.share * width, place.radius + 4
    for anchor, dx, y in (
        ("start", gap, place.y + 4),
        ("end", -gap, place.y + 4),
        ("middle", 0.0, place.y - gap),
        ("middle", 0.0, place.y + gap + 9),
    ):
        left = {"start": x + dx, "end": x + dx - long, "middle": x - long / 2}[anchor]
        box = (left, y - 10, left + long, y + 3)
        inside = left >= 0 and box[2] <= width and box[1] >= 0 and box[3] <= height
        if inside and not any(overlap(box, other) for other in boxes):
            return words, box, anchor, dx, y
    return None


def overlap(a: Box, b: Box) -> bool:
    """True when two boxes share some area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
