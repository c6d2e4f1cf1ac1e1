"""The verb ``report``: the stored measurements as one Markdown file and one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..catalog import cards
from ..errors import UsageError
from ..files import write_atomic
from ..reports.html import render_html
from ..reports.markdown import render_markdown
from ..reports.store import load_all
from ..reports.summary import summarise


@dataclass(frozen=True)
class Report:
    """The pages that were written, and what is on them."""

    markdown: Path
    html: Path
    measurements: int
    devices: tuple[str, ...]


def report(reports: Path, out: Path | None = None) -> Report:
    """Write ``report.md`` and ``report.html`` into ``out``, or beside the measurements when None.

    Raises:
        UsageError: nothing has been measured, or a stored file is damaged.
        ToolError: jinja2 is missing, or the folder cannot be written.
    """
    measurements = load_all(reports)
    if not measurements:
        raise UsageError(f"no measurements under {reports}", "measure something first: edgekit profile --device local")
    groups = summarise(measurements, cards())
    folder = out or reports
    pages = {"report.md": render_markdown(groups, __version__), "report.html": render_html(groups, __version__)}
    for name, text in pages.items():
        write_atomic(folder / name, text)
    return Report(
        markdown=folder / "report.md",
        html=folder / "report.html",
        measurements=len(measurements),
        devices=tuple(group.device for group in groups),
    )
