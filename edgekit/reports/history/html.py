"""The history as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ...base.stats import percent
from ..table import interval, milliseconds
from ..templates import page_environment
from .change_points import ALPHA, MIN_CHANGE
from .plot import trend_plot
from .text import ENOUGH, change_line, creep_line, name, verdict, way
from .trend import Series, git_range


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
        plot=lambda one: Markup(trend_plot(one)),  # noqa: S704 - escapes its own texts
    )
    template = environment.from_string((files("edgekit.reports") / "history.html.j2").read_text(encoding="utf-8"))
    return template.render(
        series=list(series),
        version=version,
        count=sum(len(one.points) for one in series),
        alpha=ALPHA,
        least=MIN_CHANGE,
        enough=ENOUGH,
    )
