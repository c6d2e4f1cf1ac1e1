"""The history as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from ...base.stats import percent
from ..table import interval, milliseconds
from ..templates import page_environment
from .change_points import ALPHA, MIN_CHANGE
from .plot import trend_plot
from .text import ENOUGH, change_line, creep_line, headline, name, verdict, way
from .trend import Series, git_range

LISTED = 2000
"""Rows of the table."""
PLOTTED = 6000
"""Measurements that are drawn and listed: a page of more is too large to open."""
NAMED = 6
"""Changed series in the headline."""
OWN_ROOM = 5
"""What a series takes beside its measurements, in room for these."""


@dataclass(frozen=True)
class Shown:
    """A series and its number on the page."""

    number: int
    series: Series


def plotted_of(shown: Sequence[Shown]) -> frozenset[int]:
    """The numbers of the series that have room on the page: those with changes first, then the longest."""
    found: list[int] = []
    room = PLOTTED
    for one in sorted(shown, key=lambda s: (not s.series.changes, -len(s.series.points), s.number)):
        room -= len(one.series.points)
        if room < 0 and found:
            break
        found.append(one.number)
        room -= OWN_ROOM
    return frozenset(found)


def most_changed(shown: Sequence[Shown]) -> list[Shown]:
    """Those with changes, the most slowed down first."""
    return sorted((one for one in shown if one.series.changes), key=lambda one: -one.series.ratio)


def render_history(series: Sequence[Series], version: str) -> str:
    """The whole page. Every value is escaped; the plots escape their own.

    Raises:
        ToolError: jinja2 is not installed.
    """
    environment = page_environment("the history page")
    from markupsafe import Markup

    environment.filters.update(
        ms=milliseconds,
        interval=interval,
        percent=percent,
        name=name,
        way=way,
        verdict=verdict,
        change_line=change_line,
        creep_line=creep_line,
        git_range=git_range,
        plot=lambda one: Markup(trend_plot(one)),  # escapes its own texts  # noqa: S704  # nosec B704
    )
    shown = [Shown(number, one) for number, one in enumerate(series, 1)]
    plotted = plotted_of(shown)
    template = environment.from_string((files("edgekit.reports") / "history.html.j2").read_text(encoding="utf-8"))
    return template.render(
        shown=shown[:LISTED],
        headline=headline(series),
        changed=[one for one in most_changed(shown) if one.number in plotted][:NAMED],
        plotted=[one for one in shown if one.number in plotted],
        numbers=plotted,
        version=version,
        count=sum(len(one.points) for one in series),
        older=sum(one.older for one in series),
        total=len(series),
        alpha=ALPHA,
        least=MIN_CHANGE,
        enough=ENOUGH,
    )
