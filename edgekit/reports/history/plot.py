"""A series as inline SVG: a point a measurement, a line a level, a mark a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ...base.clean import for_html
from ...base.stats import percent
from ...types import Summary
from ..page.axis import Axis
from ..table import milliseconds
from .trend import Series

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 14, 54, 26, 26
DATES = 5
ENDS = 0.02
"""Free share of the time axis at either end."""
HALF_DAY = 43_200.0
LABEL = 62.0
"""Pixels that the label of a change takes."""
LEAST_SPAN = 0.06
"""Of the vertical axis, relative to the level, so that noise does not fill it."""


@dataclass(frozen=True)
class Frame:
    """The two axes and where they are drawn."""

    x: Axis
    y: Axis

    def at_x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT)

    def at_y(self, value: float) -> float:
        """Pixels from the top."""
        return HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM)


def trend_plot(series: Series) -> str:
    """The plot; medians with their 95 % intervals over the time at which they were measured."""
    points = series.points
    times = [m.moment.timestamp() for m in points]
    medians = [m.p50_ms for m in points]
    span = max(medians) - min(medians)
    room = max(span * 0.18, (max(medians) * LEAST_SPAN - span) / 2)
    free = (times[-1] - times[0]) * ENDS or HALF_DAY
    frame = Frame(Axis(times[0] - free, times[-1] + free), Axis(min(medians) - room, max(medians) + room))
    parts = [grid(frame, times)]
    for begin, end, level in series.segments:
        at = f"{frame.at_y(level):.1f}"
        first, last = frame.at_x(times[begin]) - 4, frame.at_x(times[end - 1]) + 4
        parts.append(f'<path class="level" d="M{first:.1f} {at}H{last:.1f}"/>')
    parts += [mark(m, time, frame) for m, time in zip(points, times, strict=True)]
    written = -LABEL  # where the last label ends; one that would touch it is left to the list below the plot
    for change in series.changes:
        px = frame.at_x((times[change.index - 1] + times[change.index]) / 2)
        kind = "slower" if change.ratio > 1 else "faster"
        anchor = "end" if px > WIDTH - 90 else "start" if px < LEFT + 40 else "middle"
        parts.append(f'<path class="change {kind}" d="M{px:.1f} {TOP - 6}V{HEIGHT - BOTTOM}"/>')
        text = f"{'▲' if kind == 'slower' else '▼'} {percent(change.ratio)}"
        left = px - {"start": 0, "middle": LABEL / 2, "end": LABEL}[anchor]
        if left < written:
            continue
        written = left + LABEL
        parts.append(f'<text class="change {kind}" x="{px:.1f}" y="{TOP - 11}" text-anchor="{anchor}">{text}</text>')
    words = f"median latency, ms, of {len(points)} measurements over time"
    return f'<svg class="trend" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">{"".join(parts)}</svg>'


def grid(frame: Frame, times: Sequence[float]) -> str:
    """Horizontal lines with milliseconds at the newest end, which a phone shows first, and dates below."""
    parts = []
    for tick in frame.y.ticks():
        at = f"{frame.at_y(tick):.1f}"
        parts.append(f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 7}" y="{at}" dy="0.35em">{tick:g}</text>')
    first, last = times[0], times[-1]
    wanted = [first + (last - first) * part / (DATES - 1) for part in range(DATES)] if last > first else [first]
    form = "%Y-%m-%d" if last - first > DATES * 2 * HALF_DAY else "%m-%d %H:%M"
    for place, time in enumerate(wanted):
        anchor = "middle" if 0 < place < len(wanted) - 1 or len(wanted) == 1 else "end" if place else "start"
        date = datetime.fromtimestamp(time, UTC).strftime(form)
        parts.append(f'<text x="{frame.at_x(time):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{date}</text>')
    return "".join(parts)


def mark(m: Summary, time: float, frame: Frame) -> str:
    """A measurement with the interval of its median; hollow when it is not stable."""
    px, py = f"{frame.at_x(time):.1f}", f"{frame.at_y(m.p50_ms):.1f}"
    kind = "point" if m.verdict.name == "stable" else "point hollow"
    commit = "" if m.revision is None else f", commit {m.revision.commit[:10]}{'+changes' if m.revision.dirty else ''}"
    tip = for_html(f"{m.measured_at}: {milliseconds(m.p50_ms)} ms, {m.verdict.name}{commit}")
    whisker = ""
    interval = m.p50_interval_ns
    if interval is not None:
        ends = [frame.at_y(ns / 1e6) for ns in interval]
        whisker = f'<path class="whisker" d="M{px} {ends[0]:.1f}V{ends[1]:.1f}"/>'
    return f'<g class="{kind}"><title>{tip}</title>{whisker}<circle cx="{px}" cy="{py}" r="3.4"/></g>'
