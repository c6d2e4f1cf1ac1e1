"""Median latencies as bars, the fastest first: what the page begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...base.stats import median_interval
from ...types import Measurement
from ..summary import Row
from ..table import interval, milliseconds
from .axis import Axis
from .lanes import axis_lane
from .marks import doubtful
from .svg import at, band, path, picture, stretched, x_grid
from .words import short

LANE = 20.0
FIRST, OF_SEVERAL = 24, 10
"""Bars that show at once of one device, and of each of several; the others are folded away."""
ROOM = 0.04


@dataclass(frozen=True)
class Bar:
    """A measurement with its drawn bar, its median and the interval of it."""

    row: Row
    plot: str
    median: str
    interval: str


@dataclass(frozen=True)
class Bars:
    """The bars that show at once and the others, each with an axis: bars begin at zero, so that it is linear."""

    first: tuple[Bar, ...]
    axis: str
    others: tuple[Bar, ...]
    others_axis: str


def latency_bars(rows: Sequence[Row], first: int = FIRST) -> Bars:
    """The bars of a device by rising median.

    Args:
        rows: at least one.
        first: of them show at once.
    """
    ordered = sorted(rows, key=lambda row: (row.measurement.p50_ms, row.number))
    return Bars(*drawn(ordered[:first]), *drawn(ordered[first:]))


def drawn(rows: Sequence[Row]) -> tuple[tuple[Bar, ...], str]:
    """Bars and the axis below them; nothing of no rows."""
    if not rows:
        return (), ""
    x = Axis(0.0, max(end(row.measurement) for row in rows) * (1 + ROOM) or 1.0)
    bars = tuple(
        Bar(row, bar(m, x), f"{milliseconds(m.p50_ms)} ms", interval(m)) for row in rows for m in [row.measurement]
    )
    return bars, axis_lane(x, "latency p50, ms")


def end(m: Measurement) -> float:
    """What the axis must hold of a measurement, ms."""
    found = median_interval(m.samples_ns)
    return m.p50_ms if found is None else max(m.p50_ms, found[1] / 1e6)


def bar(m: Measurement, x: Axis) -> str:
    """A bar from zero to the median, with the interval as a whisker; dashed where the median is in doubt."""
    grid, _ = x_grid(x, LANE)
    found = median_interval(m.samples_ns)
    whisker = ""
    if found is not None:
        low, high = (at(x.share(ns / 1e6)) for ns in found)
        middle = LANE / 2
        whisker = path("whisker", f"M{low} {middle:g}H{high}M{low} {middle - 4:g}v8M{high} {middle - 4:g}v8")
    parts = [
        stretched(LANE, [grid]),
        band(f"bar{' doubt' if doubtful(m) else ''}", 0.0, x.share(m.p50_ms), 3, LANE - 6),
        stretched(LANE, [whisker]),
    ]
    words = f"median {milliseconds(m.p50_ms)} ms, 95 % interval {interval(m)} ms, {m.verdict.name}"
    return picture(LANE, f"{short(m.model)} {m.profile}", words, parts, f"lane {m.format}")
