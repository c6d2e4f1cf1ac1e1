"""Latency against published accuracy or artifact size, with the Pareto front: what no other artifact beats in both."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal

from ..summary import PUBLISHED, Row
from ..table import megabytes, milliseconds
from .axis import Axis, axis_of, log_axis
from .clear import Box, line
from .marks import Place, doubtful, labels, mark
from .svg import SPAN, at, number, path, picture, stretched, text, x_grid, y_grid
from .words import plural, short

HEIGHT = 360.0
SMALLEST, LARGEST = 5.0, 17.0
"""Radius of the smallest and largest bubble, pixels."""
Against = Literal["accuracy", "size"]


def front(points: Sequence[tuple[Row, float]], better: Callable[[float, float], bool]) -> list[tuple[Row, float]]:
    """The points that no other beats: from the fastest on, each one that is better than all faster ones.

    Args:
        points: rows with their second figure.
        better: whether its first argument is better than its second.
    """
    kept: list[tuple[Row, float]] = []
    for row, value in sorted(points, key=lambda point: point[0].measurement.p50_ms):
        if not kept or better(value, kept[-1][1]):
            kept.append((row, value))
    return kept


def pareto(rows: Sequence[Row], against: Against) -> str:
    """The plot of one device, or an empty string when no row has the figure.

    Args:
        rows: measurements of one device under one thread count and accelerator.
        against: published accuracy (bubbles show the size) or artifact size.
    """
    points = [(row, value) for row in rows if (value := figure(row, against)) is not None]
    if not points:
        return ""
    p50 = [row.measurement.p50_ms for row, _ in points]
    x = log_axis(p50, room=0.12)
    values = [value for _, value in points]
    y = log_axis(values, room=0.14) if against == "size" else axis_of(values, room=0.14)
    vertical, x_labels = x_grid(x, HEIGHT, HEIGHT + 18)
    horizontal, y_labels = y_grid(y, HEIGHT)
    largest = max(row.measurement.artifact_bytes for row, _ in points)
    places = [
        Place(
            row,
            x.share(row.measurement.p50_ms),
            HEIGHT * (1 - y.share(value)),
            radius(row, largest) if against == "accuracy" else 6.0,
        )
        for row, value in points
    ]
    quantized = against == "accuracy"
    proven = [point for point in points if not quantized or point[0].measurement.precision != "int8"]
    whole, sure = best(points, against), best(proven, against)
    lines = [vertical, horizontal]
    drawn = [*pieces(whole, x, y), *pieces(sure, x, y)]
    if [row.number for row, _ in whole] != [row.number for row, _ in sure]:
        lines.append(path("front hoped", steps(whole, x, y)))
    lines.append(path("front", steps(sure, x, y)))
    # Large bubbles first, so that no mark hides under another.
    marks = [
        mark(
            place.row,
            place.share,
            place.y,
            place.radius,
            hollow=quantized and place.row.measurement.precision == "int8",
        )
        for place in sorted(places, key=lambda place: -place.radius)
    ]
    caption = "published ImageNet top-1, %" if against == "accuracy" else "artifact size, MB"
    parts = [
        stretched(HEIGHT, lines),
        x_labels,
        y_labels,
        text("axis", 0.5, HEIGHT + 38, "latency p50, ms" + (" (logarithmic)" if x.log else "")),
        text("axis", 0, -12, caption + (" (logarithmic)" if y.log else ""), "start", -40),
        labels(places, HEIGHT, "wide", drawn),
        labels(places, HEIGHT, "narrow", drawn),
        *marks,
    ]
    name = f"Latency against {'published accuracy' if against == 'accuracy' else 'artifact size'}"
    return picture(HEIGHT, name, describe(points, sure, against), parts)


def figure(row: Row, against: Against) -> float | None:
    """What a row is plotted against: percent or megabytes."""
    return row.accuracy if against == "accuracy" else row.measurement.artifact_bytes / 1e6


def said(value: float, against: Against) -> str:
    """The figure with its unit."""
    return f"{value:g} %" if against == "accuracy" else megabytes(round(value * 1e6))


def radius(row: Row, largest: int) -> float:
    """Of the bubble: its area follows the artifact's size, but it stays visible."""
    return max(SMALLEST, LARGEST * math.sqrt(row.measurement.artifact_bytes / largest))


def best(points: Sequence[tuple[Row, float]], against: Against) -> list[tuple[Row, float]]:
    """The front; measurements of a throttled device are shown but never on it."""
    trusted = [point for point in points if point[0].measurement.verdict.name != "throttled"]
    return front(trusted, (lambda a, b: a > b) if against == "accuracy" else (lambda a, b: a < b))


def pieces(points: Sequence[tuple[Row, float]], x: Axis, y: Axis) -> list[Box]:
    """What the staircase of the front covers."""
    places = [(x.share(row.measurement.p50_ms), HEIGHT * (1 - y.share(value))) for row, value in points]
    found = [line(*places[-1], 1, places[-1][1])] if places else []
    for (share, level), (other, next_level) in itertools.pairwise(places):
        found += [line(share, level, other, level), line(other, level, other, next_level)]
    return found


def steps(points: Sequence[tuple[Row, float]], x: Axis, y: Axis) -> str:
    """The front as a staircase: between two of its points, nothing better than the left one is known."""
    if not points:
        return ""
    places = [(at(x.share(row.measurement.p50_ms)), number(HEIGHT * (1 - y.share(value)))) for row, value in points]
    first, *others = places
    return f"M{first[0]} {first[1]}" + "".join(f"H{px}V{py}" for px, py in others) + f"H{SPAN}"


def describe(points: Sequence[tuple[Row, float]], kept: Sequence[tuple[Row, float]], against: Against) -> str:
    """The plot in words."""
    names = "; ".join(
        f"#{row.number} {short(row.measurement.model)} {row.measurement.precision} "
        f"{milliseconds(row.measurement.p50_ms)} ms, {said(value, against)}"
        for row, value in kept
    )
    doubts = sum(doubtful(row.measurement) for row, _ in points)
    doubt = f" {doubts} of them not stable." if doubts else ""
    source = f" Accuracy is {PUBLISHED}." if against == "accuracy" else ""
    return f"{plural(len(points), 'measurement')}.{doubt}{source} Pareto front: {names or 'none'}."
