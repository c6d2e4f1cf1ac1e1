"""``edgekit profile --device sim-…``: what it prints about the counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..show.console import emit_json, say

if TYPE_CHECKING:
    from ...artifacts.find import ExportMissing
    from ...base.progress import Progress
    from ...types import Device, Runtime
    from ...verbs.counted.profile import CountedRun
    from ...verify.sets_of_inputs import Shapes


LOG_WIDTH = 240
"""Columns in which the table of counts is whole, where no terminal shows it."""


def run_counts(
    names: Sequence[str],
    places: Sequence[Device],
    runtime: Runtime | None,
    threads: Sequence[int],
    batch: int | None,
    shapes: Shapes | None,
    artifacts: Path,
    reports: Path,
    export_missing: ExportMissing,
    progress: Progress,
    as_json: bool,
) -> None:
    """Count on simulated boards, print the counts, and raise the failures."""
    from ...verbs.counted.profile import count_profile

    run = count_profile(
        names,
        places,
        runtime,
        threads=threads,
        batch=batch,
        shapes=shapes,
        artifacts_root=artifacts,
        reports_root=reports,
        export_missing=export_missing,
        progress=progress,
    )
    if as_json:
        emit_json(as_data(run))
    else:
        show(run)
    run.raise_failures()


def show(run: CountedRun) -> None:
    """The table of counts and estimates, the largest functions, and where the files are. It goes to stderr."""
    from ...reports.counted.words import HEADINGS, LABEL, SPARE, cells, errors_of, kernels_of
    from ..show.screen import on_stderr
    from ..show.tables import print_table

    if run.counted:
        rows = [cells(one) for one in run.counted]
        print_table(HEADINGS, rows, numbers=HEADINGS[4:], spare=SPARE, screen=on_stderr(LOG_WIDTH))
        for line in kernels_of(run.counted):
            say(line)
        for line in errors_of(run.counted):
            say(line)
        say(LABEL)
    for path in run.files:
        say(f"counts: {path}")


def as_data(run: CountedRun) -> dict[str, Any]:
    """The counts for programs: as stored, with their files, the estimate in milliseconds and the noise; failures."""
    return {
        "counted": [
            {**one.to_plain(), "estimated_ms": one.estimate.latency_ms, "noise": one.noise, "file": str(path)}
            for one, path in zip(run.counted, run.files, strict=True)
        ],
        "failures": [
            {"artifact": name, "error": str(error), "hint": error.hint, "exit_code": error.exit_code}
            for name, error in run.failures
        ],
    }
