"""Lines over numbered steps, a panel each: one SVG file that needs no page around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..base.clean import for_html
from .page.axis import Axis, round_axis
from .page.svg import at, number, path, percent, stretched, text, y_grid

WIDTH, PANEL, GAP = 720, 190, 34
LEFT, RIGHT, TOP, FOOT = 64, 118, 44, 40
LABEL_GAP = 15.0
"""Pixels between the names of two lines."""
STYLE = """
svg { overflow: visible; }
text { font: 12px system-ui, sans-serif; fill: #333; }
.title { font-weight: 600; font-size: 14px; }
.grid { stroke: #ddd; }
.mark { stroke: #999; stroke-dasharray: 3 3; }
path.a, path.b { fill: none; stroke-width: 2; }
.a { stroke: #0b62a4; fill: #0b62a4; }
.b { stroke: #c8500a; fill: #c8500a; }
text.a, text.b { stroke: none; }
"""
COLOURS = ("a", "b")


@dataclass(frozen=True)
class Line:
    """A line: its name and its value after each step."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """Up to two lines of one unit, with the title that names it."""

    title: str
    lines: tuple[Line, ...]


def line_plot(
    heading: str, panels: Sequence[Panel], steps: int, step_name: str, marks: Sequence[tuple[int, str]] = ()
) -> str:
    """The panels below each other.

    Args:
        heading: over all of them.
        panels: at least one; every line has a value at least.
        steps: how many there will be; lines may have fewer values so far.
        step_name: what a step is, under the axis.
        marks: steps to mark by a vertical line in each panel; the last one has the words.
    """
    height = TOP + len(panels) * (PANEL + GAP) + FOOT - GAP
    across = Axis(1, max(steps, 2))
    parts = [
        f'<svg x="{LEFT}" y="{TOP + index * (PANEL + GAP)}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL}">'
        f"{panel_parts(panel, across, marks, named=panel is panels[-1])}</svg>"
        for index, panel in enumerate(panels)
    ]
    foot = TOP + (len(panels) - 1) * (PANEL + GAP) + PANEL
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="{LEFT}" y="20">{for_html(heading)}</text>{"".join(parts)}'
        f'<svg x="{LEFT}" y="{foot}" width="{WIDTH - LEFT - RIGHT}" height="{FOOT}">'
        f"{step_numbers(across, steps, step_name)}</svg></svg>\n"
    )


def panel_parts(panel: Panel, across: Axis, marks: Sequence[tuple[int, str]], *, named: bool) -> str:
    """The content of one panel: grid, marks, with their words when ``named``, and lines with names and last values."""
    axis, steps = round_axis([value for line in panel.lines for value in line.values])

    def y(value: float) -> float:
        return PANEL * (1 - axis.share(value))

    grid, labels = y_grid(axis, PANEL, steps)
    drawn = [grid, *(path("mark", f"M{at(across.share(step))} 0V{PANEL}") for step, _ in marks)]
    shown = [labels, f'<text y="-7">{for_html(panel.title)}</text>']
    if named:
        shown += [text("", across.share(step), 14, words, "start", 4) for step, words in marks]
    ends = spread([y(line.values[-1]) + 4 for line in panel.lines])
    for line, css, end in zip(panel.lines, COLOURS, ends, strict=False):
        points = [(across.share(step), y(value)) for step, value in enumerate(line.values, 1)]
        drawn.append(path(css, "M" + "L".join(f"{at(x)} {number(height)}" for x, height in points)))
        shown += [f'<circle class="{css}" cx="{percent(x)}" cy="{number(height)}" r="2.5"/>' for x, height in points]
        shown.append(text(css, points[-1][0], end, f"{line.name} {line.values[-1]:.4g}", "start", 8))
    return stretched(PANEL, drawn) + "".join(shown)


def spread(positions: Sequence[float]) -> list[float]:
    """The places of two names that would overlap, moved apart."""
    if len(positions) == 2 and abs(positions[0] - positions[1]) < LABEL_GAP:
        middle, sign = sum(positions) / 2, 1 if positions[0] >= positions[1] else -1
        return [middle + sign * LABEL_GAP / 2, middle - sign * LABEL_GAP / 2]
    return list(positions)


def step_numbers(across: Axis, steps: int, step_name: str) -> str:
    """Numbers of steps under the last panel, at most ten, and what they count."""
    every = max(1, math.ceil(steps / 10))
    numbers = [text("", across.share(step), 16, str(step)) for step in range(1, steps + 1, every)]
    return "".join(numbers) + text("", 0.5, 34, step_name)
