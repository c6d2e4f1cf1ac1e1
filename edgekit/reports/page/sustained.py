"""A long run: latency over time, with temperature and clock where the device offers them, below on the same time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from ...types import Measurement, SustainedPoint
from ..table import milliseconds
from .axis import Axis, axis_of
from .svg import at, number, path, picture, stretched, text, x_grid, y_grid
from .words import short

Reading = Callable[[SustainedPoint], float | None]
CURVES: tuple[tuple[str, str, float, Reading], ...] = (
    ("latency", "latency p50 of a window, ms", 170.0, lambda point: point.latency_ns / 1e6),
    ("temperature", "temperature, °C", 80.0, lambda point: point.temperature_c),
    ("clock", "clock, MHz", 80.0, lambda point: point.clock_mhz),
)


def sustained(m: Measurement) -> str:
    """The curves one below the other; an empty string without a series of at least two windows."""
    points = m.sustained or ()
    if len(points) < 2:
        return ""
    last_s = max(point.t_s for point in points)
    minutes = last_s >= 180
    x = Axis(0.0, (last_s / 60 if minutes else last_s) or 1.0)
    drawn = [
        curve(m, points, x, title, height, read, 60 if minutes else 1, name)
        for name, title, height, read in CURVES
        if any(read(point) is not None for point in points)
    ]
    return "".join(drawn)


def curve(
    m: Measurement,
    points: Sequence[SustainedPoint],
    x: Axis,
    title: str,
    height: float,
    read: Reading,
    unit: int,
    css: str,
) -> str:
    """One reading over time; a gap where the device gave none."""
    known = [value for point in points if (value := read(point)) is not None]
    y = axis_of(known, from_zero=css == "latency", room=0.12)
    vertical, x_labels = x_grid(x, height, height + 16)
    horizontal, y_labels = y_grid(y, height, 5 if css == "latency" else 3)
    line, pen = [], "M"
    for point in points:
        value = read(point)
        if value is None:
            pen = "M"
            continue
        line.append(f"{pen}{at(x.share(point.t_s / unit))} {number(height * (1 - y.share(value)))}")
        pen = "L"
    parts = [
        stretched(height, [vertical, horizontal, path(f"curve {css}", "".join(line))]),
        x_labels,
        y_labels,
        text("axis", 0, -8, title, "start", -40),
        text("axis", 0.5, height + 32, "minutes" if unit == 60 else "seconds"),
    ]
    words = f"from {known[0]:.4g} to {known[-1]:.4g}, lowest {min(known):.4g}, highest {max(known):.4g}"
    return picture(
        height, f"{short(m.model)} {m.profile}: {title} over time", words, parts, f"plot curve-of {m.format}"
    )


def steady_state(points: Sequence[SustainedPoint]) -> str:
    """Burst against steady state: the first window, and the median of the last quarter of the run."""
    first = points[0].latency_ns
    tail = statistics.median(point.latency_ns for point in points[-max(1, len(points) // 4) :])
    return (
        f"first window {milliseconds(first / 1e6)} ms, steady state (median of the last quarter) "
        f"{milliseconds(tail / 1e6)} ms: {tail / first:.2f} times the first"
    )
