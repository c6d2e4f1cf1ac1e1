"""Where measurements stand under the roofline of their device: MACs a second against MACs a byte, both logarithmic.

Nothing can be faster than the bound; a measurement that is shows that the peaks were measured too low.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

from ...types import Ceilings, Precision
from ..summary import Row
from .axis import Axis, log_axis
from .clear import Box, Words, first_clear, line, meet
from .marks import Place, labels, mark
from .svg import SPAN, at, number, path, picture, stretched, text, x_grid, y_grid
from .words import plural, short

HEIGHT = 340.0
PIECES = 24
"""Of a slope, so that words know where it runs."""
PLACES: tuple[tuple[float, Literal["start", "middle", "end"]], ...] = ((1, "end"), (0.5, "middle"), (0, "start"))
"""Along a level, where its name may stand."""


def roofline_plot(rows: Sequence[Row]) -> str:
    """The plot of one device under one thread count; an empty string when no row has a place under the roof."""
    points = [(row, *place) for row in rows if (place := standing(row)) is not None]
    if not points:
        return ""
    roofs = [row.measurement.ceilings for row, _, _ in points if row.measurement.ceilings is not None]
    limits = max(zip(roofs, points, strict=True), key=lambda pair: pair[1][0].measurement.measured_at)[0]
    peaks = {name: limits.macs_per_s[name] / 1e9 for name in precisions(rows) if name in limits.macs_per_s}
    intensities = [x for _, x, _ in points]
    x = Axis(min(intensities) / 2, max(intensities) * 2, log=True)
    y = log_axis([*(value for _, _, value in points), *peaks.values()], room=0.1)
    vertical, x_labels = x_grid(x, HEIGHT, HEIGHT + 18)
    horizontal, y_labels = y_grid(y, HEIGHT, 8)
    lines = [vertical, horizontal]
    fastest = max(limits.bandwidth, key=lambda row: row.bytes_per_s)
    top = max(peaks.values())
    slopes = {
        f"{label} {row.bytes_per_s / 1e9:.3g} GB/s": (label, slope(row.bytes_per_s / 1e9, top, x, y))
        for label, row in (("memory", limits.bandwidth[-1]), ("cache", fastest))
    }
    lines += [path(f"roof {css}", joined(points_)) for css, points_ in slopes.values()]
    levels = {
        name: (x.share(peak / fastest.bytes_per_s * 1e9), HEIGHT * (1 - y.share(peak))) for name, peak in peaks.items()
    }
    lines += [path("roof", f"M{at(share)} {number(level)}H{SPAN}") for share, level in levels.values()]
    places = [Place(row, x.share(across), HEIGHT * (1 - y.share(up)), 6.0) for row, across, up in points]
    drawn = [line(share, level, 1, level) for share, level in levels.values()]
    drawn += [line(*one, *other) for _, points_ in slopes.values() for one, other in itertools.pairwise(points_)]
    names = named(
        {words: points_ for words, (_, points_) in slopes.items()},
        {f"{name} peak {peaks[name]:.3g} GMAC/s": level for name, (_, level) in levels.items()},
        [*drawn, *(place.box for place in places)],
    )
    others = [*drawn, *(name.box for name in names)]
    parts = [
        stretched(HEIGHT, lines),
        x_labels,
        y_labels,
        text("axis", 0.5, HEIGHT + 38, "MACs a byte that the layers move (logarithmic)"),
        text("axis", 0, -12, "GMAC/s (logarithmic)", "start", -40),
        *(name.drawn() for name in names),
        labels(places, HEIGHT, "wide", others),
        labels(places, HEIGHT, "narrow", others),
        *(mark(place.row, place.share, place.y, place.radius) for place in places),
    ]
    return picture(HEIGHT, "Roofline", describe(points, limits), parts)


def standing(row: Row) -> tuple[float, float] | None:
    """MACs a byte, and GMAC/s; None without a roofline."""
    found = row.measurement.roofline
    return None if found is None or not found.bytes_moved else (found.macs / found.bytes_moved, found.gmacs_per_s)


def precisions(rows: Sequence[Row]) -> list[Precision]:
    """The precisions that were measured, in the order of the rows."""
    return list(dict.fromkeys(row.measurement.precision for row in rows if row.measurement.roofline is not None))


def slope(speed: float, peak: float, x: Axis, y: Axis) -> list[tuple[float, float]]:
    """A bandwidth's part of the roof, up to the highest peak, as shares of the width and pixels; empty when not seen.

    Args:
        speed: GB/s.
        peak: GMAC/s.
        x: the axis of MACs a byte.
        y: the axis of GMAC/s.
    """
    first, last = max(x.low, y.low / speed), min(x.high, min(peak, y.high) / speed)
    if first >= last:
        return []
    inside = [first * (last / first) ** (n / PIECES) for n in range(PIECES + 1)]
    return [(x.share(value), HEIGHT * (1 - y.share(value * speed))) for value in inside]


def joined(points: Sequence[tuple[float, float]]) -> str:
    """A path through points."""
    return "".join(f"{'L' if n else 'M'}{at(share)} {number(level)}" for n, (share, level) in enumerate(points))


def named(
    slopes: Mapping[str, Sequence[tuple[float, float]]], levels: Mapping[str, float], others: Sequence[Box]
) -> list[Words]:
    """The names of slopes and levels beside their lines; those that would cover something are left out.

    The words above the plot have all of them.
    """
    boxes, found = list(others), []
    wishes = [
        [Words(words, share, level + dy, anchor, css="axis") for dy in (-6, 15) for share, anchor in PLACES]
        for words, level in levels.items()
    ]
    wishes += [
        [Words(words, share, level + 5, "start", 12, css="axis") for share, level in points]
        + [Words(words, share, level + 5, "end", -12, css="axis") for share, level in points]
        for words, points in slopes.items()
    ]
    for wish in wishes:
        name = first_clear(wish, boxes, HEIGHT, "narrow")
        if name is not None and not any(meet(name.box, box, "wide") for box in boxes):
            found.append(name)
            boxes.append(name.box)
    return found


def beyond(rows: Sequence[Row]) -> list[Row]:
    """The measurements that are faster than their bound, which nothing can be."""
    return [row for row in rows if row.measurement.roofline is not None and row.measurement.roofline.roofline_share > 1]


def describe(points: Sequence[tuple[Row, float, float]], limits: Ceilings) -> str:
    """The plot in words."""
    shares = "; ".join(
        f"#{row.number} {short(row.measurement.model)} {row.measurement.precision} {up:.3g} GMAC/s"
        + (f", {row.measurement.roofline.roofline_share:.0%} of its bound" if row.measurement.roofline else "")
        for row, _, up in points
    )
    return f"{plural(len(points), 'measurement')}, {plural(limits.threads, 'thread')}. {shares}."
