"""A series as inline SVG: a point a measurement, a line a level, a mark a change."""

from __future__ import annotations

from dataclasses import dataclass

from ...base.clean import for_html
from ...base.stats import percent
from ...types import Summary
from ..page.axis import Axis
from ..table import milliseconds
from .trend import Series

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 14, 54, 26, 26
DATES = 5
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
    """The plot; medians with their 95 % intervals, in the order of time, equally spaced."""
    points = series.points
    medians = [m.p50_ms for m in points]
    span = max(medians) - min(medians)
    room = max(span * 0.18, (max(medians) * LEAST_SPAN - span) / 2)
    frame = Frame(Axis(-0.6, len(points) - 0.4), Axis(min(medians) - room, max(medians) + room))
    parts = [grid(series, frame)]
    for begin, end, level in series.segments:
        at = f"{frame.at_y(level):.1f}"
        parts.append(f'<path class="level" d="M{frame.at_x(begin - 0.4):.1f} {at}H{frame.at_x(end - 0.6):.1f}"/>')
    parts += [mark(m, index, frame) for index, m in enumerate(points)]
    for change in series.changes:
        px, kind = frame.at_x(change.index - 0.5), "slower" if change.ratio > 1 else "faster"
        anchor = "end" if px > WIDTH - 90 else "start" if px < LEFT + 40 else "middle"
        parts.append(f'<path class="change {kind}" d="M{px:.1f} {TOP - 6}V{HEIGHT - BOTTOM}"/>')
        text = f"{'▲' if kind == 'slower' else '▼'} {percent(change.ratio)}"
        parts.append(f'<text class="change {kind}" x="{px:.1f}" y="{TOP - 11}" text-anchor="{anchor}">{text}</text>')
    words = f"median latency, ms, of {len(points)} measurements in the order of time"
    return f'<svg class="trend" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">{"".join(parts)}</svg>'


def grid(series: Series, frame: Frame) -> str:
    """Horizontal lines with milliseconds at the newest end, which a phone shows first, and dates below."""
    parts = []
    for tick in frame.y.ticks():
        at = f"{frame.at_y(tick):.1f}"
        parts.append(f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 7}" y="{at}" dy="0.35em">{tick:g}</text>')
    last = len(series.points) - 1
    shown = sorted({round(last * part / (DATES - 1)) for part in range(DATES)})
    for index in shown:
        anchor = "middle" if 0 < index < last else ("start" if index == 0 else "end")
        date = for_html(series.points[index].measured_at[:10])
        parts.append(f'<text x="{frame.at_x(index):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{date}</text>')
    return "".join(parts)


def mark(m: Summary, index: int, frame: Frame) -> str:
    """A measurement with the interval of its median; hollow when it is not stable."""
    px, py = f"{frame.at_x(index):.1f}", f"{frame.at_y(m.p50_ms):.1f}"
    kind = "point" if m.verdict.name == "stable" else "point hollow"
    commit = "" if m.revision is None else f", commit {m.revision.commit[:10]}{'+changes' if m.revision.dirty else ''}"
    tip = for_html(f"{m.measured_at}: {milliseconds(m.p50_ms)} ms, {m.verdict.name}{commit}")
    whisker = ""
    interval = m.p50_interval_ns
    if interval is not None:
        ends = [frame.at_y(ns / 1e6) for ns in interval]
        whisker = f'<path class="whisker" d="M{px} {ends[0]:.1f}V{ends[1]:.1f}"/>'
    return f'<g class="{kind}"><title>{tip}</title>{whisker}<circle cx="{px}" cy="{py}" r="3.4"/></g>'
