"""``edgekit profile``: the command line of the workflow, and what it prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import Progress, emit_json, say

if TYPE_CHECKING:
    from ..workflows.export import Outcome
    from ..workflows.profile import Profiled

FILE_WIDTH = 160
"""Columns of output that no terminal shows, so that tables in logs stay whole."""


def profile_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Artifact folders, model files in them, or model ids. All artifacts when left out."),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", "-d", help="Where to measure; edgekit devices list shows what there is.")
    ] = "local",
    runtime: Annotated[
        str | None, typer.Option(help="Measure only what this runtime executes: onnxruntime, litert or openvino.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads within an operator.")] = 1,
    per_op: Annotated[bool, typer.Option("--per-op", help="Also time every operator, in a launch of its own.")] = False,
    roofline: Annotated[
        bool, typer.Option("--roofline", help="Also measure the device's peaks, and how near each artifact comes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurements as JSON on stdout.")] = False,
    artifacts: Annotated[Path, typer.Option(help="Folder of exported artifacts.")] = Path("artifacts"),
    reports: Annotated[Path, typer.Option(help="Folder that keeps the reports.")] = Path("device_reports"),
) -> None:
    """Measure the latency and memory of artifacts on a device.

    Example: edgekit profile mobilenet_v3 --threads 2
    """
    from ..workflows.profile import profile
    from ..workflows.reach import what_is_built_first

    building = what_is_built_first(device)
    if building:
        say(building)
    exported: list[Outcome] = []
    run_profile(
        lambda step: profile(
            names or [],
            device,
            runtime,
            threads=threads,
            per_op=per_op,
            roofline=roofline,
            artifacts_root=artifacts,
            reports_root=reports,
            export_missing=lambda model: export_first(model, artifacts, step, exported),
            on_step=step,
        ),
        as_json,
    )
    if any(outcome.error is not None for outcome in exported):
        from .export_text import exit_code

        raise typer.Exit(exit_code(exported))


def export_first(model: str, artifacts: Path, step: Callable[[str], None], done: list[Outcome]) -> list[Path]:
    """Export a model that has no artifacts yet, and say how it went; the outcomes are added to ``done``."""
    from ..workflows.export import export_default_set
    from .export_text import outcome_lines, provenance_lines

    say(f"{model} has no artifacts yet: exporting it in every format, float32 and int8, with random weights")
    outcomes = export_default_set(model, artifacts, step)
    for line in (*provenance_lines(outcomes), *outcome_lines(outcomes)):
        say(line)
    done += outcomes
    return [outcome.folder for outcome in outcomes if outcome.folder is not None]


def run_profile(run: Callable[[Callable[[str], None]], Profiled], as_json: bool) -> None:
    """Carry out ``run`` with progress on stderr, print what came of it, and raise its failures."""
    outcome = run(Progress())
    if as_json:
        emit_json(as_data(outcome))
    else:
        show(outcome)
    outcome.raise_failures()


def show(outcome: Profiled) -> None:
    """The table of measurements, the slowest operators where timed, and where the reports are; on stderr."""
    from rich.console import Console

    from ..reports.table import measurement_table, operator_table

    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=FILE_WIDTH)
    if outcome.measurements:
        console.print(measurement_table(outcome.measurements))
    for measurement in outcome.measurements:
        if measurement.per_op is not None:
            console.print(operator_table(measurement))
    for path in outcome.reports:
        say(f"report: {path}")


def as_data(outcome: Profiled) -> dict[str, Any]:
    """The outcome for programs: measurements as stored, their percentiles, report files, failures."""
    return {
        "measurements": [
            {
                **m.model_dump(mode="json"),
                "p50_ms": m.p50_ms,
                "p90_ms": m.p90_ms,
                "p99_ms": m.p99_ms,
                "report": str(path),
            }
            for m, path in zip(outcome.measurements, outcome.reports, strict=True)
        ],
        "failures": [
            {"artifact": f.artifact, "error": str(f.error), "hint": f.error.hint, "exit_code": f.error.exit_code}
            for f in outcome.failures
        ],
    }
