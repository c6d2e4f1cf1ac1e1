"""``plot.svg``: loss, accuracy and surviving connections over the epochs, an SVG that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .metrics import Epoch, Run

WIDTH, PANEL, GAP = 720, 190, 34
LEFT, RIGHT, TOP, FOOT = 64, 118, 44, 40
TICKS = 4
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333; }
.title { font-weight: 600; font-size: 14px; }
.grid { stroke: #ddd; }
.stage { stroke: #999; stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 2; }
.a { stroke: #0b62a4; fill: #0b62a4; }
.b { stroke: #c8500a; fill: #c8500a; }
.line.a, .line.b { fill: none; }
text.a, text.b { stroke: none; }
"""


@dataclass(frozen=True)
class Series:
    """One line: its name, its value after each epoch, its class in the style sheet."""

    name: str
    values: tuple[float, ...]
    colour: str


def plot(run: Run) -> str:
    """The plot of the epochs so far; the panel of connections only where the network condenses."""
    epochs = run.epochs
    panels: list[tuple[str, list[Series]]] = [
        ("training loss (cross entropy)", [Series("loss", tuple(e.loss for e in epochs), "a")]),
        (
            "accuracy, %",
            [
                Series("test", tuple(e.test_accuracy for e in epochs), "a"),
                Series("training", tuple(e.train_accuracy for e in epochs), "b"),
            ],
        ),
    ]
    shares = survivor_shares(epochs)
    if shares:
        panels.append(("surviving connections, %", [Series("all layers", shares, "a")]))
    height = TOP + len(panels) * (PANEL + GAP) + FOOT - GAP
    starts = stage_starts(epochs)
    parts = [
        panel(title, series, TOP + index * (PANEL + GAP), run.recipe.epochs, starts, named=index == 2)
        for index, (title, series) in enumerate(panels)
    ]
    heading = f"{run.model} on {run.data}: test accuracy {epochs[-1].test_accuracy:.2f} % after epoch {len(epochs)}"
    last = TOP + (len(panels) - 1) * (PANEL + GAP) + PANEL
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="{LEFT}" y="20">{escape(heading)}</text>{"".join(parts)}'
        f"{epoch_ticks(run.recipe.epochs, last)}</svg>\n"
    )


def survivor_shares(epochs: Sequence[Epoch]) -> tuple[float, ...]:
    """Connections left after each epoch, percent of all; empty where nothing condenses."""
    left = [epoch.survivors for epoch in epochs]
    return tuple(100 * s.connections / s.total for s in left if s is not None)


def stage_starts(epochs: Sequence[Epoch]) -> list[tuple[int, int]]:
    """The epochs during which a stage began, with the stage."""
    found, before = [], 0
    for epoch in epochs:
        if epoch.survivors is not None and epoch.survivors.stage > before:
            before = epoch.survivors.stage
            found.append((epoch.number, before))
    return found


def panel(
    title: str, series: Sequence[Series], top: float, epochs: int, starts: Sequence[tuple[int, int]], *, named: bool
) -> str:
    """One panel: grid, the beginnings of the stages (with their numbers when ``named``), named lines."""
    values = [value for line in series for value in line.values]
    low, high, step = limits(min(values), max(values))

    def y(value: float) -> float:
        return top + PANEL - (value - low) / (high - low) * PANEL

    parts = [f'<text x="{LEFT}" y="{top - 7}">{escape(title)}</text>']
    for index in range(round((high - low) / step) + 1):
        value = low + index * step
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.6g}</text>')
    for number, stage in starts:
        at = f"{x_at(number, epochs):.1f}"
        parts.append(f'<line class="stage" x1="{at}" x2="{at}" y1="{top}" y2="{top + PANEL}"/>')
        if named:
            parts.append(f'<text x="{at}" y="{top + 14}" dx="4">stage {stage}</text>')
    labels = spread([y(line.values[-1]) + 4 for line in series])
    for line, label in zip(series, labels, strict=True):
        points = [(x_at(n, epochs), y(value)) for n, value in enumerate(line.values, 1)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline class="line {line.colour}" points="{path}"/>')
        parts += [f'<circle class="{line.colour}" cx="{px:.1f}" cy="{py:.1f}" r="2.5"/>' for px, py in points]
        text = f"{escape(line.name)} {line.values[-1]:.4g}"
        parts.append(f'<text class="{line.colour}" x="{points[-1][0] + 8:.1f}" y="{label:.1f}">{text}</text>')
    return "".join(parts)


def limits(low: float, high: float) -> tuple[float, float, float]:
    """Round limits around ``low`` to ``high``, and the step between grid lines."""
    rough = max(high - low, abs(high) * 0.01, 1e-6) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, max(last, first + 1) * step, step


def spread(positions: Sequence[float], gap: float = 15) -> list[float]:
    """Two labels that would overlap, moved apart."""
    if len(positions) == 2 and abs(positions[0] - positions[1]) < gap:
        middle, sign = sum(positions) / 2, 1 if positions[0] >= positions[1] else -1
        return [middle + sign * gap / 2, middle - sign * gap / 2]
    return list(positions)


def x_at(epoch: float, epochs: int) -> float:
    """The pixel position of an epoch's end; the first epoch is at the left edge."""
    return LEFT + (epoch - 1) / max(epochs - 1, 1) * (WIDTH - LEFT - RIGHT)


def epoch_ticks(epochs: int, bottom: float) -> str:
    """Numbers of epochs under the last panel."""
    step = max(1, math.ceil(epochs / 10))
    shown = range(1, epochs + 1, step)
    marks = [f'<text x="{x_at(n, epochs):.1f}" y="{bottom + 16}" text-anchor="middle">{n}</text>' for n in shown]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return f'{"".join(marks)}<text x="{middle}" y="{bottom + 34}" text-anchor="middle">epoch</text>'
