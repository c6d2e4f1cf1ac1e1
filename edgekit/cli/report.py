"""``edgekit report``: the command line of the workflow, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    reports: Annotated[Path, typer.Option(help="Folder that keeps the measurements.")] = Path("device_reports"),
    out: Annotated[Path | None, typer.Option(help="Folder for the pages; the measurements' own when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths of the pages as JSON on stdout.")] = False,
) -> None:
    """Write the stored measurements as one Markdown file and one HTML page that needs no network.

    Example: edgekit report --out public
    """
    from ..workflows.report import report
    from .console import emit_json, say

    made = report(reports, out)
    if as_json:
        emit_json(
            {
                "markdown": str(made.markdown),
                "html": str(made.html),
                "measurements": made.measurements,
                "devices": list(made.devices),
            }
        )
        return
    say(f"{made.measurements} measurement{'' if made.measurements == 1 else 's'} of {', '.join(made.devices)}")
    say(f"markdown: {made.markdown}")
    say(f"html:     {made.html}")
