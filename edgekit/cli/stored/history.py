"""``edgekit history``: its options, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared.limits import MOST_MEASUREMENTS
from ..shared.options import JsonOption, OnlyDevice, OnlyModel, ReportsOption
from ..show.console import emit_json, say, say_some
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...reports.history.trend import Series
    from ...verbs.stored.history import History

DAMAGED = 2


def history_command(
    device: OnlyDevice = None,
    model: OnlyModel = None,
    reports: ReportsOption = Path("device_reports"),
    last: Annotated[
        int,
        typer.Option(
            min=8,
            max=MOST_MEASUREMENTS,
            help="Newest measurements of each series to look at; time grows with its square.",
        ),
    ] = 256,
    out: Annotated[Path | None, typer.Option(help="Folder for the page. [default: the folder of measurements]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how the latency of each network changed on each device, and between which commits.

    Prints a table and writes history.html, which needs no network. The exit code is 2 when a stored file is damaged;
    the others are still shown.

    Example: edgekit history --device rpi4 --model mobilenet_v3
    """
    from ...verbs.stored.history import history, write_page

    found = history(reports, device, model, last, ProgressLines())
    if as_json:
        emit_json(as_data(found))
    else:
        show(found)
        say(f"page: {write_page(found, out or reports)}")
    say_some([f"damaged: {damaged.error}" for damaged in found.damaged])
    if found.damaged:
        raise typer.Exit(DAMAGED)


def show(found: History) -> None:
    """A row per series, then its changes. It goes to stderr."""
    from ...reports.history.text import change_line, creep_line, name, verdict, way
    from ...reports.table import milliseconds
    from ..show.tables import print_table

    rows = [
        (
            last.device.id,
            name(one),
            way(last),
            str(len(one.points) + one.older),
            first.measured_at[:10],
            last.measured_at[:10],
            milliseconds(one.segments[-1][2]),
            one.spark,
            verdict(one),
        )
        for one in found.series
        for first, last in [(one.points[0], one.points[-1])]
    ]
    titles = ("device", "series", "run by", "n", "from", "to", "p50 ms", "trend", "change")
    print_table(titles, rows, numbers=("n", "p50 ms"), spare=("from", "run by", "to", "trend"))
    say_some(
        [
            f"{one.points[-1].device.id}, {name(one)}: {line}"
            for one in found.series
            for line in (*map(creep_line, one.creeps), *map(change_line, one.changes))
        ]
    )
    older = sum(one.older for one in found.series)
    if older:
        say(f"{older} older measurements were not looked at: --last takes more of each series")
    if found.emulated:
        say(f"{found.emulated} emulated measurements are left out: their latency means nothing")


def as_data(found: History) -> dict[str, Any]:
    """The series for programs."""
    return {
        "series": [series_data(one) for one in found.series],
        "emulated_left_out": found.emulated,
        "damaged": [{"file": str(one.path), "error": str(one.error)} for one in found.damaged],
    }


def series_data(one: Series) -> dict[str, Any]:
    """A series with its points and changes."""
    last = one.points[-1]
    return {
        "device": last.device.id,
        "model": last.model,
        "profile": last.profile,
        "runtime": last.runtime,
        "accelerator": last.accelerator,
        "threads": last.threads,
        "points": [
            {
                "measured_at": m.measured_at,
                "p50_ms": m.p50_ms,
                "verdict": m.verdict.name,
                "artifact_sha256": m.artifact_sha256,
                "revision": None if m.revision is None else m.revision.to_plain(),
            }
            for m in one.points
        ],
        "older": one.older,
        "changes": [
            {
                "index": change.index,
                "p": change.p,
                "before_ms": change.before_ms,
                "after_ms": change.after_ms,
                "ratio": change.ratio,
                "last_before": change.good.measured_at,
                "first_after": change.bad.measured_at,
                "commit_before": None if change.good.revision is None else change.good.revision.commit,
                "commit_after": None if change.bad.revision is None else change.bad.revision.commit,
                "also": list(change.also),
            }
            for change in one.changes
        ],
    }
