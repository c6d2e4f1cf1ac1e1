"""The verb ``history``: how the latency went, as series with change points, and as a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ... import __version__
from ...base.files import write_atomic
from ...base.progress import Progress, silent
from ...errors import UsageError
from ...reports.history.html import render_history
from ...reports.history.trend import LAST, Series, series_of
from ...reports.indexed.chosen import chosen
from ...reports.indexed.reader import read_history
from ...reports.store import Damaged

PAGE = "history.html"


@dataclass(frozen=True)
class History:
    """The series, how many emulated measurements they leave out, and the files that could not be read."""

    series: list[Series]
    emulated: int
    damaged: list[Damaged]


def history(
    reports: Path,
    device: str | None = None,
    model: str | None = None,
    last: int = LAST,
    progress: Progress = silent,
) -> History:
    """Every measurement that the store keeps, of one device and model when given; of each series the ``last`` ones.

    Raises:
        UsageError: nothing has been measured, or nothing of that device or model.
    """
    found, damaged = read_history(reports, progress)
    if not found:
        if damaged:
            raise damaged[0].error
        raise UsageError(f"no measurements under {reports}", "measure something first: edgekit profile --device local")
    kept = [one.measurement for one in chosen(found, device, model)]
    return History(series_of(kept, last), sum(m.emulated for m in kept), damaged)


def write_page(found: History, folder: Path) -> Path:
    """Write the page into ``folder`` and return its path.

    Raises:
        ToolError: jinja2 is missing, or the folder cannot be written.
    """
    path = folder / PAGE
    write_atomic(path, render_history(found.series, __version__), "--out")
    return path
