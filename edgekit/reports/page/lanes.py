"""Raw samples of every measurement of a device, one lane each, on one latency axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...base.stats import median_interval
from ...types import Measurement
from ..summary import Row
from ..table import interval, milliseconds
from .axis import Axis, log_axis
from .svg import SPAN, at, band, number, path, picture, stretched, text, x_grid
from .words import short

LANE = 30.0
DOTS = 220
"""Samples drawn of one measurement, evenly picked; the figures are of all."""


@dataclass(frozen=True)
class Lane:
    """A row of a plot with lanes: the plot is HTML around it, so that names wrap and stay readable."""

    row: Row
    plot: str
    median: str
    interval: str
    note: str


@dataclass(frozen=True)
class Lanes:
    """All lanes, and the axis that they share."""

    lanes: tuple[Lane, ...]
    axis: str


def distributions(rows: Sequence[Row]) -> Lanes:
    """Strips of raw samples with p50 and its interval, p90 and p99.

    Within a lane the first inference is at the top and the last at the bottom, so that drift shows as a slope.
    """
    ends = [ms for row in rows for ms in (row.measurement.percentile_ms(0), row.measurement.p99_ms)]
    x = log_axis(ends, room=0.04)
    lanes = tuple(
        Lane(
            row,
            lane(row.measurement, x),
            f"{milliseconds(row.measurement.p50_ms)} ms",
            interval(row.measurement),
            spread(row.measurement, x),
        )
        for row in rows
    )
    return Lanes(lanes, axis_lane(x, "latency, ms"))


def spread(m: Measurement, x: Axis) -> str:
    """Upper percentiles and count, and how many samples the axis does not reach."""
    beyond = sum(ns / 1e6 > x.high for ns in m.samples_ns)
    more = f", {beyond} slower ▸" if beyond else ""
    return f"p90 {milliseconds(m.p90_ms)}, p99 {milliseconds(m.p99_ms)}, n {len(m.samples_ns)}{more}"


def lane(m: Measurement, x: Axis) -> str:
    """One measurement: dots, the band between p10 and p90, the median over its interval, a tick for p99."""
    samples = [ns / 1e6 for ns in m.samples_ns]
    every = max(1, math.ceil(len(samples) / DOTS))
    last = max(len(samples) - 1, 1)
    dots = "".join(
        f"M{at(x.share(samples[index]))} {number(3 + (LANE - 6) * index / last)}h0"
        for index in range(0, len(samples), every)
        if samples[index] <= x.high
    )
    grid, _ = x_grid(x, LANE)
    p50 = at(x.share(m.p50_ms))
    marks = path("samples", dots) + path("p99", f"M{at(x.share(m.p99_ms))} 8V{number(LANE - 8)}")
    found = median_interval(m.samples_ns)
    over = path("median", f"M{p50} 1V{number(LANE - 1)}")
    doubt = "" if found is None else band("interval", x.share(found[0] / 1e6), x.share(found[1] / 1e6), 1, LANE - 2)
    middle = band("band", x.share(m.percentile_ms(10)), x.share(m.p90_ms), 5, LANE - 10)
    words = f"{len(samples)} samples from {milliseconds(min(samples))} to {milliseconds(max(samples))} ms"
    parts = [middle, stretched(LANE, [grid, marks]), doubt, stretched(LANE, [over])]
    return picture(LANE, f"Raw samples of {short(m.model)} {m.profile}", words, parts, f"lane {m.format}")


def axis_lane(x: Axis, title: str) -> str:
    """The labels below the lanes."""
    _, labels = x_grid(x, 0, 14)
    name = title + (" (logarithmic)" if x.log else "")
    return (
        f'<svg class="lane axis" width="100%" height="36" aria-hidden="true">{labels}'
        f"{text('axis', 0.5, 32, name)}</svg>"
    )


def sequence(m: Measurement) -> str:
    """The samples in the order in which they were taken, with p10 to p90 and the median."""
    height, most = 120.0, 400
    samples = [ns / 1e6 for ns in m.samples_ns]
    low, high = min(samples), max(m.p99_ms, min(samples))
    room = (high - low) * 0.12 or high * 0.01 or 1.0
    y = Axis(low - room, high + room)
    every = max(1, math.ceil(len(samples) / most))
    last = max(len(samples) - 1, 1)
    dots, ticks = [], []
    for index in range(0, len(samples), every):
        if samples[index] > y.high:
            ticks.append(f"M{at(index / last)} 0v6")
        else:
            dots.append(f"M{at(index / last)} {number(height * (1 - y.share(samples[index])))}h0")
    p10, p50, p90 = (height * (1 - y.share(value)) for value in (m.percentile_ms(10), m.p50_ms, m.p90_ms))
    labels = "".join(
        text("tick", 0, place, milliseconds(value), "end", -8)
        for value, place in spaced([(value, height * (1 - y.share(value))) for value in (high, m.p50_ms, low)], height)
    )
    parts = [
        band("band", 0, 1, p90, max(p10 - p90, 0.5)),
        stretched(
            height,
            [
                path("middle", f"M0 {number(p50)}H{SPAN}"),
                path("samples", "".join(dots)),
                path("above", "".join(ticks)),
            ],
        ),
        labels,
        text("tick", 0, height + 14, "first inference", "start"),
        text("tick", 1, height + 14, f"inference {len(samples)}", "end"),
    ]
    words = f"{len(samples)} samples, {milliseconds(min(samples))} to {milliseconds(max(samples))} ms"
    return picture(height, "Latency in the order of the inferences, ms", words, parts, f"plot small {m.format}")


def cumulative(m: Measurement) -> str:
    """The empirical distribution: which share of the inferences took at most so long."""
    height = 120.0
    ordered = sorted(ns / 1e6 for ns in m.samples_ns)
    x = log_axis([ordered[0], max(m.p99_ms, ordered[0])], room=0.06)
    count = len(ordered)
    every = max(1, count // 200)
    line = f"M0 {number(height)}" + "".join(
        f"H{at(x.share(ordered[index]))}V{number(height * (1 - (index + 1) / count))}"
        for index in [*range(0, count - 1, every), count - 1]
    )
    vertical, labels = x_grid(x, height, height + 18)
    sides = "".join(
        text("tick", 0, height * (1 - share) + 4, f"{share:.0%}", "end", -8) for share in (0.0, 0.5, 0.9, 1.0)
    )
    rules = path("grid", "".join(f"M0 {number(height * (1 - share))}H{SPAN}" for share in (0.0, 0.5, 0.9, 1.0)))
    words = f"half of {count} within {milliseconds(m.p50_ms)} ms, 90 % within {milliseconds(m.p90_ms)} ms"
    parts = [stretched(height, [vertical, rules, path("curve", line + f"H{SPAN}")]), labels, sides]
    return picture(height, "Share of inferences within a latency, ms", words, parts, f"plot small {m.format}")


def spaced(labels: Sequence[tuple[float, float]], height: float, least: float = 13.0) -> list[tuple[float, float]]:
    """Labels from top to bottom, moved down where they would touch, all within the frame."""
    placed: list[tuple[float, float]] = []
    for value, place in labels:
        baseline = place + 4
        placed.append((value, max(baseline, placed[-1][1] + least) if placed else baseline))
    shift = max(0.0, placed[-1][1] - height - 2)
    return [(value, place - shift) for value, place in placed]
