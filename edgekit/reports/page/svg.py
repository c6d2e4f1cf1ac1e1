"""The few SVG elements that the plots are made of.

A plot has two layers: one that is stretched to the width of the page (lines, bands, dots; x from 0 to ``SPAN``), and
one whose elements keep their form and stand at percentages (marks, texts).
"""

from __future__ import annotations

from collections.abc import Iterable

from ...base.clean import for_html
from .axis import Axis

SPAN = 1000
"""Width of the stretched layer, in its own units."""
NARROW, CHARACTER, GAP = 150, 6.5, 8
"""Pixels: the narrowest plot, in a window of 390; about a character of a label; the least between two labels."""


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    return f"{value:.1f}".rstrip("0").rstrip(".") or "0"


def percent(share: float) -> str:
    """A horizontal position in the layer that is not stretched."""
    return f"{share * 100:.2f}%"


def at(share: float) -> str:
    """A horizontal position in the stretched layer."""
    return number(share * SPAN)


def stretched(height: float, parts: Iterable[str]) -> str:
    """The layer of lines: ``parts`` are paths and rectangles with x from 0 to ``SPAN``."""
    return (
        f'<svg viewBox="0 0 {SPAN} {number(height)}" width="100%" height="{number(height)}" '
        f'preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    )


def picture(height: float, title: str, description: str, parts: Iterable[str], css: str = "plot") -> str:
    """A whole plot: title and description are read to those who cannot see it."""
    return (
        f'<svg class="{css}" width="100%" height="{number(height)}" role="group" aria-label="{for_html(title)}. '
        f'{for_html(description)}">{"".join(parts)}</svg>'
    )


def path(css: str, data: str) -> str:
    """A path of the stretched layer whose stroke keeps its width."""
    return f'<path class="{css}" d="{data}" vector-effect="non-scaling-stroke"/>' if data else ""


def band(css: str, left: float, right: float, top: float, height: float) -> str:
    """A rectangle between two shares, in the layer that is not stretched; one pixel at least."""
    width = max(right - left, 0.0)
    return (
        f'<rect class="{css}" x="{percent(left)}" width="{percent(width)}" y="{number(top)}" '
        f'height="{number(height)}"/>'
    )


def text(css: str, share: float, y: float, content: str, anchor: str = "middle", dx: float = 0) -> str:
    """A text at a share of the width, ``dx`` pixels beside it."""
    move = f' dx="{number(dx)}"' if dx else ""
    place = f'x="{percent(share)}" y="{number(y)}"{move} text-anchor="{anchor}"'
    return f'<text class="{css}" {place}>{for_html(content)}</text>'


def x_grid(axis: Axis, height: float, label_y: float | None = None) -> tuple[str, str]:
    """Vertical grid lines for the stretched layer, and their labels; a narrow window leaves out what would touch."""
    ticks = axis.ticks()
    lines = path("grid", "".join(f"M{at(axis.share(tick))} 0V{number(height)}" for tick in ticks))
    if label_y is None:
        return lines, ""
    labels, last = [], -1.0
    for tick in ticks:
        share, words = axis.share(tick), f"{tick:.6g}"
        room = (share - last) * NARROW >= CHARACTER * len(words) + GAP
        labels.append(text("tick" if room else "tick odd", share, label_y, words))
        last = share if room else last
    return lines, "".join(labels)


def y_grid(axis: Axis, height: float, most: int = 6) -> tuple[str, str]:
    """Horizontal grid lines for the stretched layer, and labels to the left of the plot."""
    ticks = axis.ticks(most)
    places = [height * (1 - axis.share(tick)) for tick in ticks]
    lines = path("grid", "".join(f"M0 {number(y)}H{SPAN}" for y in places))
    labels = "".join(text("tick", 0, y + 4, f"{tick:.6g}", "end", -8) for tick, y in zip(ticks, places, strict=True))
    return lines, labels
