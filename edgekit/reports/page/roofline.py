"""Where measurements stand under the roofline of their device: MACs a second against MACs a byte."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import Ceilings, Precision
from ..summary import Row
from .axis import Axis, axis_of
from .marks import Place, labels, mark
from .svg import SPAN, at, number, path, picture, stretched, text, x_grid, y_grid
from .words import plural, short

HEIGHT = 340.0


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
    y = axis_of([*(value for _, _, value in points), *peaks.values()], room=0.1)
    vertical, x_labels = x_grid(x, HEIGHT, HEIGHT + 18)
    horizontal, y_labels = y_grid(y, HEIGHT, 8)
    lines, names = [vertical, horizontal], []
    fastest = max(limits.bandwidth, key=lambda row: row.bytes_per_s)
    for css, label, row in (("memory", "memory", limits.bandwidth[-1]), ("cache", "cache", fastest)):
        speed = row.bytes_per_s / 1e9
        lines.append(path(f"roof {css}", slope(speed, max(peaks.values()), x, y)))
        names += slope_name(f"{label} {speed:.3g} GB/s", speed, x, y)
    for name, peak in peaks.items():
        level = HEIGHT * (1 - y.share(peak))
        lines.append(path("roof", f"M{at(x.share(peak / fastest.bytes_per_s * 1e9))} {number(level)}H{SPAN}"))
        names.append(text("axis", 1, level - 5, f"{name} peak {peak:.3g} GMAC/s", "end"))
    places = [Place(row, x.share(across), HEIGHT * (1 - y.share(up)), 6.0) for row, across, up in points]
    parts = [
        stretched(HEIGHT, lines),
        x_labels,
        y_labels,
        text("axis", 0.5, HEIGHT + 38, "MACs a byte that the layers move (logarithmic)"),
        text("axis", 0, -12, "GMAC/s" + (" (logarithmic)" if y.log else ""), "start", -40),
        *names,
        labels(places, HEIGHT, "wide"),
        labels(places, HEIGHT, "narrow"),
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


def slope(speed: float, peak: float, x: Axis, y: Axis) -> str:
    """A bandwidth's part of the roof, up to the highest peak; ``speed`` in GB/s, ``peak`` in GMAC/s."""
    first, last = max(x.low, y.low / speed), min(x.high, min(peak, y.high) / speed)
    if first >= last:
        return ""
    # A straight line on two logarithmic axes; on a linear one it bends, so it is drawn in steps.
    inside = [first * (last / first) ** (n / 24) for n in range(25)]
    return "".join(
        f"{'L' if n else 'M'}{at(x.share(value))} {number(HEIGHT * (1 - y.share(value * speed)))}"
        for n, value in enumerate(inside)
    )


def slope_name(words: str, speed: float, x: Axis, y: Axis) -> list[str]:
    """The name of a bandwidth, beside the lower end of its line; nothing where the line does not cross the plot."""
    first = max(x.low, y.low / speed)
    if first >= x.high or first * speed >= y.high:
        return []
    return [text("axis", x.share(first), HEIGHT * (1 - y.share(first * speed)) + 14, words, "start", 14)]


def describe(points: Sequence[tuple[Row, float, float]], limits: Ceilings) -> str:
    """The plot in words."""
    shares = "; ".join(
        f"#{row.number} {short(row.measurement.model)} {row.measurement.precision} {up:.3g} GMAC/s"
        + (f", {row.measurement.roofline.roofline_share:.0%} of its bound" if row.measurement.roofline else "")
        for row, _, up in points
    )
    return f"{plural(len(points), 'measurement')}, {plural(limits.threads, 'thread')}. {shares}."
