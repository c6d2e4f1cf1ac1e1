"""The verb ``report``: the stored measurements as one HTML page, one Markdown file and one CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..base.files import write_atomic
from ..catalog import cards
from ..errors import UsageError
from ..reports.csv_file import render_csv
from ..reports.html import render_html
from ..reports.markdown import render_markdown
from ..reports.store import Damaged, read_latest
from ..reports.summary import summarise


@dataclass(frozen=True)
class Report:
    """The pages that were written, what is on them, and the files that could not be read."""

    markdown: Path
    html: Path
    csv: Path
    measurements: int
    devices: tuple[str, ...]
    damaged: tuple[Damaged, ...] = ()


def report(reports: Path, out: Path | None = None) -> Report:
    """Write ``report.html``, ``report.md`` and ``report.csv`` into ``out``, or beside the measurements when None.

    A damaged file does not keep the others from being shown.

    Raises:
        UsageError: nothing has been measured, or every stored file is damaged.
        ToolError: jinja2 is missing, or the folder cannot be written.
    """
    found, damaged = read_latest(reports)
    measurements = [one.measurement for one in found]
    if damaged and not found:
        raise damaged[0].error
    if not measurements:
        raise UsageError(f"no measurements under {reports}", "measure something first: edgekit profile --device local")
    groups = summarise(measurements, cards())
    folder = out or reports
    pages = {
        "report.html": render_html(groups, __version__),
        "report.md": render_markdown(groups, __version__),
        "report.csv": render_csv(groups),
    }
    for name, text in pages.items():
        write_atomic(folder / name, text)
    return Report(
        markdown=folder / "report.md",
        html=folder / "report.html",
        csv=folder / "report.csv",
        measurements=len(measurements),
        devices=tuple(group.device for group in groups),
        damaged=tuple(damaged),
    )
