"""Plots as inline SVG: small, sharp in print, coloured by the page's style sheet, no script library.

Every text goes through :func:`html.escape`; the classes are those of ``report.html.j2``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from ..types import Measurement
from .summary import PUBLISHED, Row
from .table import milliseconds

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 16, 48
CHARACTER = 6.3
"""Width of a label's character, pixels, at the style sheet's 11 px."""
SHOWN_SAMPLES = 600
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis from ``low`` to ``high``, drawn between two pixel positions."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel position of a value."""
        if self.log:
            share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values: 1, 2, 5 in each decade, or equal steps of 1, 2 or 5 times a power of ten."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            every = [step * 10.0**decade for decade in range(first, last + 1) for step in (1, 2, 5)]
            return [value for value in every if self.low <= value <= self.high]
        step = nice_step((self.high - self.low) / 6)
        begin = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(begin, math.floor(self.high / step + 1e-9) + 1)]


def nice_step(rough: float) -> float:
    """The smallest of 1, 2, 5, 10 times a power of ten that is not below ``rough``."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def axis(values: Sequence[float], start: float, end: float, *, from_zero: bool) -> Axis:
    """An axis that holds ``values`` with some room; logarithmic when they span more than a factor of 20."""
    low, high = min(values), max(values)
    if from_zero and low > 0 and high / low > 20:
        return Axis(low / 1.3, high * 1.3, start, end, log=True)
    if from_zero:
        return Axis(0.0, high * 1.12 or 1.0, start, end)
    room = (high - low) * 0.15 or 1.0
    return Axis(low - room, high + room, start, end)


def scatter(rows: Sequence[Row], against: Literal["size", "accuracy"]) -> str:
    """Median latency (whiskers: 10th to 90th percentile) against file size or published accuracy.

    Rows without a published accuracy are left out of that plot. An empty string when no row is left.
    """
    pick: Callable[[Row], float | None] = (
        (lambda row: row.measurement.artifact_bytes / 1e6) if against == "size" else (lambda row: row.accuracy)
    )
    points = [(row, value) for row in rows if (value := pick(row)) is not None]
    if not points:
        return ""
    spread = [p for row, _ in points for p in (row.measurement.percentile_ms(10), row.measurement.p90_ms)]
    x = axis(spread, LEFT, WIDTH - RIGHT, from_zero=True)
    y = axis([value for _, value in points], HEIGHT - BOTTOM, TOP, from_zero=against == "size")
    title = "artifact size, MB" if against == "size" else "published ImageNet top-1, % (not measured)"
    parts = [grid(x, y, "latency p50, ms (whiskers: p10 to p90)", title)]
    boxes = [mark_box(row.measurement, x, y.at(value)) for row, value in points]
    for (row, value), own in zip(points, tuple(boxes), strict=True):
        parts.append(point(row, value, x, y, against))
        parts.append(label(row, own, boxes))
    name = f"Latency against {'artifact size' if against == 'size' else 'published accuracy'}"
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(parts)}</svg>'


def grid(x: Axis, y: Axis, x_title: str, y_title: str) -> str:
    """Grid lines, tick labels and titles."""
    bottom = HEIGHT - BOTTOM
    parts = []
    for tick in x.ticks():
        at = f"{x.at(tick):.1f}"
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks():
        at = f"{y.at(tick):.1f}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{at}" dy="0.35em" text-anchor="end">{tick:g}</text>')
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + bottom) / 2
    parts.append(f'<text class="title" x="{middle_x}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_title)}</text>')
    turned = f'transform="translate(16 {middle_y}) rotate(-90)"'
    parts.append(f'<text class="title" {turned} text-anchor="middle">{escape(y_title)}</text>')
    return "".join(parts)


def point(row: Row, value: float, x: Axis, y: Axis, against: str) -> str:
    """A mark with its whiskers: colour by format, shape by precision; hollow for random weights against accuracy."""
    m = row.measurement
    px, py = x.at(m.p50_ms), y.at(value)
    low, high = x.at(m.percentile_ms(10)), x.at(m.p90_ms)
    hollow = " hollow" if against == "accuracy" and m.weights_kind == "random" else ""
    shape = {
        "fp32": f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5.5"/>',
        "fp16": f'<rect x="{px - 5:.1f}" y="{py - 5:.1f}" width="10" height="10"/>',
        "int8": f'<path d="M{px:.1f} {py - 7:.1f}l7 7l-7 7l-7-7z"/>',
    }[m.precision]
    return (
        f'<g class="mark {m.format}{hollow}" tabindex="0" data-tip="{escape(tip(row))}">'
        f"<title>{escape(tip(row))}</title>"
        f'<path class="whisker" d="M{low:.1f} {py:.1f}H{high:.1f}M{low:.1f} {py - 4:.1f}v8M{high:.1f} {py - 4:.1f}v8"/>'
        f"{shape}</g>"
    )


def tip(row: Row) -> str:
    """What hovering shows: the figures and the conditions that matter most."""
    m = row.measurement
    lines = [
        f"#{row.number} {row.label} ({m.format})",
        f"p50 {milliseconds(m.p50_ms)} ms, p90 {milliseconds(m.p90_ms, like=m.p50_ms)} ms, n = {len(m.samples_ns)}",
        f"{m.runtime} {m.runtime_version}, {m.threads} thread{'' if m.threads == 1 else 's'}, {m.accelerator}",
        f"{m.device.id}: {m.info.cpu}",
        f"verdict: {m.verdict.name}; weights: {m.weights_kind}",
    ]
    if row.accuracy is not None:
        lines.append(f"top-1 {row.accuracy:g} %, {PUBLISHED} ({row.accuracy_source})")
    return "\n".join(lines)


def mark_box(m: Measurement, x: Axis, py: float) -> Box:
    """What a point and its whiskers cover."""
    px = x.at(m.p50_ms)
    return min(px - 7, x.at(m.percentile_ms(10)) - 2), py - 7, max(px + 7, x.at(m.p90_ms) + 2), py + 7


def label(row: Row, own: Box, boxes: list[Box]) -> str:
    """The row's name beside its mark where it covers nothing, else its number, else nothing; extends ``boxes``."""
    px, py = (own[0] + own[2]) / 2, (own[1] + own[3]) / 2
    for text in (f"#{row.number} {row.label}", f"#{row.number}"):
        width = len(text) * CHARACTER
        for anchor, left, base in (
            ("start", own[2] + 3, py + 4),
            ("end", own[0] - 3 - width, py + 4),
            ("middle", px - width / 2, py - 11),
            ("middle", px - width / 2, py + 19),
        ):
            box = (left, base - 10, left + width, base + 3)
            inside = box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= 2 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(overlap(box, other) for other in boxes):
                boxes.append(box)
                at = {"start": left, "end": left + width, "middle": left + width / 2}[anchor]
                return f'<text class="label" x="{at:.1f}" y="{base:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    return ""


def overlap(a: Box, b: Box) -> bool:
    """True when two boxes share some area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def strip(measurement: Measurement) -> str:
    """The raw samples in the order in which they were taken, over the median and the 10th to 90th percentile.

    At most ``SHOWN_SAMPLES`` are drawn, evenly picked; samples above the frame stand at its upper edge as ticks.
    """
    width, height, left, right = 720, 110, 64, 8
    samples = [ns / 1e6 for ns in measurement.samples_ns]
    low, high = min(samples), measurement.percentile_ms(99)
    room = (high - low) * 0.12 or high * 0.01 or 1.0
    y = Axis(low - room, high + room, height - 6, 8)
    every = max(1, math.ceil(len(samples) / SHOWN_SAMPLES))
    x = Axis(0, max(len(samples) - 1, 1), left, width - right)
    dots, ticks = [], []
    for index in range(0, len(samples), every):
        at = x.at(index)
        if samples[index] > y.high:
            ticks.append(f"M{at:.1f} 2v6")
        else:
            dots.append(f"M{at:.1f} {y.at(samples[index]):.1f}h0")
    p10, p50, p90 = measurement.percentile_ms(10), measurement.p50_ms, measurement.p90_ms
    labels = "".join(
        f'<text class="tick" x="{left - 6}" y="{at:.1f}" text-anchor="end">{milliseconds(value, like=p50)}</text>'
        for value, at in spaced([(high, y.at(high)), (p50, y.at(p50)), (low, y.at(low))])
    )
    return (
        f'<svg class="strip" viewBox="0 0 {width} {height}" role="img" aria-label="raw samples in order, ms">'
        f'<rect class="band" x="{left}" y="{y.at(p90):.1f}" width="{width - left - right}" '
        f'height="{max(y.at(p10) - y.at(p90), 0.5):.1f}"/>'
        f'<path class="median" d="M{left} {y.at(p50):.1f}H{width - right}"/>'
        f'<path class="samples {measurement.format}" d="{"".join(dots)}"/>'
        f'<path class="above {measurement.format}" d="{"".join(ticks)}"/>{labels}</svg>'
    )


def spaced(labels: Sequence[tuple[float, float]], least: float = 13.0) -> list[tuple[float, float]]:
    """Labels from top to bottom, moved down where they would touch; the last stays within the frame's 110 pixels."""
    placed: list[tuple[float, float]] = []
    for value, at in labels:
        baseline = at + 4
        placed.append((value, max(baseline, placed[-1][1] + least) if placed else baseline))
    shift = max(0.0, placed[-1][1] - 108)
    return [(value, at - shift) for value, at in placed]
