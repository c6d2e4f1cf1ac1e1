"""``edgekit report``: its options, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..shared.options import (
    ArtifactsOption,
    JsonOption,
    MaxLatency,
    MaxSize,
    MinAccuracy,
    OnlyDevice,
    OnlyModel,
    ReportsOption,
)
from ..show.console import emit_json, say, say_some
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...verbs.stored.report import Report

DAMAGED = 2


def report_command(
    reports: ReportsOption = Path("device_reports"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages. [default: the folder of measurements]")
    ] = None,
    device: OnlyDevice = None,
    model: OnlyModel = None,
    artifacts: ArtifactsOption = Path("artifacts"),
    max_latency_ms: MaxLatency = None,
    max_size_mb: MaxSize = None,
    min_accuracy: MinAccuracy = None,
    as_json: JsonOption = False,
) -> None:
    """Write the stored measurements as an HTML page that needs no network, as Markdown and as CSV.

    The section of each device begins with its fastest artifact (the fastest that keeps the limits, if there are any),
    the gain from int8, and the measurements that are not to be trusted. With more than 150 measurements the page shows
    the fastest of each network and precision in full, and a folder of pages lists all. --device and --model need --out.
    Evaluations stored beside the artifacts are shown too. The exit code is 2 when a stored file is damaged; the others
    are still written.

    Example: edgekit report --out public
    Example: edgekit report --max-latency-ms 30 --min-accuracy 70
    """
    from ...select.pareto import Limits
    from ...verbs.stored.report import report

    limits = Limits(max_latency_ms, max_size_mb, min_accuracy)
    made = report(reports, out, device, model, ProgressLines(), limits, artifacts)
    if as_json:
        emit_json(
            {
                "markdown": str(made.markdown),
                "html": str(made.html),
                "csv": str(made.csv),
                "lists": [str(path) for path in made.lists],
                "measurements": made.measurements,
                "counted": made.counted,
                "in_full": made.in_full,
                "devices": list(made.devices),
                "damaged": [str(one.error) for one in made.damaged],
            }
        )
    else:
        show(made)
    say_some([f"damaged: {damaged.error}" for damaged in made.damaged])
    if made.damaged:
        raise typer.Exit(DAMAGED)


def show(made: Report) -> None:
    """What was written, on stderr."""
    if made.measurements:
        say(f"{made.measurements} measurement{'' if made.measurements == 1 else 's'} of {', '.join(made.devices)}")
    if made.counted:
        say(f"{made.counted} counted on simulated boards, in a section of their own")
    say(f"markdown: {made.markdown}")
    say(f"html:     {made.html}")
    say(f"csv:      {made.csv}")
    if made.lists:
        say(f"lists:    {made.lists[0].parent} (all; report.html shows {made.in_full} of them in full)")
    for one in made.asks:
        say(f"{one.question} {', then '.join(one.commands)}")
    if made.asks and len(made.devices) > 1:
        say("asked of one device; report.html and report.md have the questions of each")
