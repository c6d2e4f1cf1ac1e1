"""What int8 and float16 bring: the float32 median over theirs, same network, runtime, threads and device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...base.stats import median_interval
from ...types import Measurement
from ..summary import Row
from .axis import Axis, log_axis
from .marks import doubtful
from .svg import at, band, path, picture, stretched, text, x_grid
from .words import short

LANE = 24.0


@dataclass(frozen=True)
class Speedup:
    """How many times as fast as float32 a measurement is.

    Attributes:
        low, high: 95 % interval, or None when either side has too few samples.
    """

    row: Row
    float_row: Row
    ratio: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """``in doubt`` beside an unstable measurement, else ``faster``, ``slower`` or ``undecided`` by the interval."""
        if either_doubtful(self):
            return "in doubt"
        if self.low is None or self.high is None:
            return "undecided"
        return "faster" if self.low > 1 else "slower" if self.high < 1 else "undecided"

    @property
    def words(self) -> str:
        """The ratio with its interval."""
        span = "" if self.low is None else f" ({self.low:.2f}-{self.high:.2f})"
        return f"{self.ratio:.2f}x{span} {self.verdict}"


def speedups(rows: Sequence[Row]) -> list[Speedup]:
    """Each quantized or half-precision measurement of a device against the fastest float32 of the same conditions."""
    found = []
    for row in rows:
        if row.measurement.precision == "fp32":
            continue
        others = [
            other
            for other in rows
            if other.measurement.precision == "fp32" and conditions(other.measurement) == conditions(row.measurement)
        ]
        if others:
            best = min(others, key=lambda other: other.measurement.p50_ms)
            found.append(compare(row, best))
    return sorted(found, key=lambda speedup: (-speedup.ratio, speedup.row.number))


def conditions(m: Measurement) -> tuple[object, ...]:
    """What two measurements must share, beside the device, for their ratio to be about the precision."""
    return m.model, m.runtime, m.accelerator, m.threads, m.pinned and m.pinned.cpus, m.batch


def compare(row: Row, float_row: Row) -> Speedup:
    """The ratio of two independent medians.

    Its interval combines those of the two medians on the log scale (Zou and Donner 2008, MOVER). The two were measured
    one after the other, so what changed on the machine in between is not in it.
    """
    ours, theirs = row.measurement.samples_ns, float_row.measurement.samples_ns
    ratio = float_row.measurement.p50_ms / row.measurement.p50_ms
    mine, other = median_interval(ours), median_interval(theirs)
    if mine is None or other is None:
        return Speedup(row, float_row, ratio, None, None)
    a, b = row.measurement.p50_ms * 1e6, float_row.measurement.p50_ms * 1e6
    down = math.hypot(math.log(b / other[0]), math.log(mine[1] / a))
    up = math.hypot(math.log(other[1] / b), math.log(a / mine[0]))
    return Speedup(row, float_row, ratio, ratio * math.exp(-down), ratio * math.exp(up))


def speedup_axis(found: Sequence[Speedup]) -> Axis:
    """An axis that holds all ratios and 1."""
    return log_axis([1.0, *(x for s in found for x in (s.ratio, s.low or s.ratio, s.high or s.ratio))], room=0.08)


def speedup_bar(speedup: Speedup, x: Axis) -> str:
    """A bar from 1 to the ratio, hatched where slower, with the interval as a whisker."""
    one, end = x.share(1.0), x.share(speedup.ratio)
    m = speedup.row.measurement
    css = f"bar{' slower' if speedup.ratio < 1 else ''}{' doubt' if either_doubtful(speedup) else ''}"
    lines, _ = x_grid(x, LANE)
    whisker = ""
    if speedup.low is not None and speedup.high is not None:
        low, high = at(x.share(speedup.low)), at(x.share(speedup.high))
        whisker = path("whisker", f"M{low} 12H{high}M{low} 8v8M{high} 8v8")
    parts = [
        stretched(LANE, [lines]),
        band(css, min(one, end), max(one, end), 4, LANE - 8),
        stretched(LANE, [path("one", f"M{at(one)} 0V{LANE:g}"), whisker]),
    ]
    title = f"{short(m.model)} {m.precision} on {m.runtime}"
    return picture(LANE, title, f"as fast as float32 times {speedup.words}", parts, f"lane {m.format}")


def either_doubtful(speedup: Speedup) -> bool:
    """True when one of the two measurements is not stable."""
    return doubtful(speedup.row.measurement) or doubtful(speedup.float_row.measurement)


def speedup_axis_lane(x: Axis) -> str:
    """Labels below the bars."""
    _, labels = x_grid(x, 0, 14)
    name = text("axis", 0.5, 32, "times as fast as float32" + (" (logarithmic)" if x.log else ""))
    return f'<svg class="lane axis" width="100%" height="36" aria-hidden="true">{labels}{name}</svg>'
