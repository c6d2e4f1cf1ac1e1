"""``edgekit index``: its options, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared.limits import LARGEST
from ..shared.options import ArtifactsOption, JsonOption, ReportsOption
from ..show.console import emit_json, say, say_some
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...verbs.stored.index import Index

DAMAGED, STALE = 2, 1


def index_command(
    reports: ReportsOption = Path("device_reports"),
    artifacts: ArtifactsOption = Path("artifacts"),
    max_age: Annotated[
        float | None,
        typer.Option(min=0, max=LARGEST, help="A measurement older than this many days is stale. [default: no limit]"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when something is stale or duplicated; for hooks.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the stored measurements, and flag those that are stale, duplicated or damaged.

    A measurement is stale when its artifact has changed or is gone, when another version of the runtime is installed,
    or when it is too old. Exit codes: 0 fine, 1 a measurement is stale or duplicated (with --check), 2 a file is
    damaged.

    Example: edgekit index --max-age 90 --check
    """
    from ...verbs.stored.index import store_index

    found = store_index(reports, artifacts, max_age, progress=ProgressLines())
    if as_json:
        emit_json(as_data(found))
    else:
        show(found, check)
    if found.damaged:
        raise typer.Exit(DAMAGED)
    if check and not found.fine:
        raise typer.Exit(STALE)


def show(found: Index, only_faults: bool) -> None:
    """A table of the entries and a line per fault, on stderr; with ``only_faults`` no table."""
    from ...reports.table import milliseconds
    from ..show.tables import print_table

    if not only_faults:
        titles = ("device", "model", "profile", "runtime", "threads", "date", "p50 ms", "verdict", "artifact", "")
        rows = [
            (
                m.device.id,
                m.model,
                m.profile,
                f"{m.runtime} {m.runtime_version.split('-')[0]}",
                f"{m.threads}{m.on_cores}",
                m.measured_at[:10],
                milliseconds(m.p50_ms),
                m.verdict.name,
                entry.artifact,
                ", ".join(word for word, on in (("stale", entry.stale), ("duplicate", entry.duplicates)) if on),
            )
            for entry in found.entries
            for m in [entry.measurement]
        ]
        print_table(titles, rows, numbers=("threads", "p50 ms"), spare=("runtime", "date", "verdict", "threads"))
    say_some([f"stale: {entry.path}: {reason}" for entry in found.entries for reason in entry.stale])
    say_some(
        [
            f"duplicate: {entry.path}: the same as {', '.join(map(str, entry.duplicates))}"
            for entry in found.entries
            if entry.duplicates
        ]
    )
    say_some([f"damaged: {one.error}\n  try: {one.error.hint}" for one in found.damaged])
    faults = sum(not entry.fine for entry in found.entries) + len(found.damaged)
    count = len(found.entries)
    say(f"{count} current measurement{'' if count == 1 else 's'}, {found.kept} in the history, {faults} to look at")


def as_data(found: Index) -> dict[str, Any]:
    """The index for programs."""
    return {
        "entries": [
            {
                "file": str(entry.path),
                "device": entry.measurement.device.id,
                "model": entry.measurement.model,
                "profile": entry.measurement.profile,
                "runtime": entry.measurement.runtime,
                "runtime_version": entry.measurement.runtime_version,
                "accelerator": entry.measurement.accelerator,
                "threads": entry.measurement.threads,
                "measured_at": entry.measurement.measured_at,
                "p50_ms": entry.measurement.p50_ms,
                "verdict": entry.measurement.verdict.name,
                "artifact": entry.artifact,
                "stale": list(entry.stale),
                "duplicates": [str(path) for path in entry.duplicates],
            }
            for entry in found.entries
        ],
        "damaged": [{"file": str(one.path), "error": str(one.error), "hint": one.error.hint} for one in found.damaged],
        "kept": found.kept,
    }
