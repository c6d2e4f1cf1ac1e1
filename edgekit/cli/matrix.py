"""``edgekit matrix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .shared.complete import model_ids
from .shared.limits import MOST_JOBS
from .shared.options import ArtifactsOption, JsonOption
from .show.console import emit_json, say
from .show.progress import ProgressLines, time_text


def matrix_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Model ids. Every variant: --all.", metavar="[MODEL…]", autocompletion=model_ids),
    ] = None,
    format_: Annotated[
        list[str] | None, typer.Option("--format", "-f", help="Formats: onnx, tflite or openvino. [default: all]")
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option("--precision", help="fp32, fp16, int8, dynamic or all. [default: fp32]")
    ] = None,
    family: Annotated[list[str] | None, typer.Option("--family", help="Only this family.")] = None,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="Only the variant with the fewest MACs of each family.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Every variant, which takes hours.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Markdown file of the table.")] = Path("matrix.md"),
    data: Annotated[
        Path | None, typer.Option("--data", help="JSON file of the same results. [default: beside the table]")
    ] = None,
    artifacts: ArtifactsOption = Path("artifacts"),
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=MOST_JOBS, help="Export this many variants at the same time.")
    ] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Skip artifacts that are there and verified.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Export every variant to every format, verify it, and write a table of the results.

    Each cell takes 10 to 40 seconds, so all of them take hours; --resume continues an interrupted run.

    Example: edgekit matrix --smallest --resume
    Example: edgekit matrix --all --jobs 4
    """
    from ..verbs.matrix import choose_cards, choose_formats, choose_precisions, matrix, way
    from .show.matrix import matrix_markdown

    chosen, formats = choose_cards(models or (), family or (), smallest), choose_formats(format_ or ())
    precisions, progress = choose_precisions(precision or ()), ProgressLines()
    narrowed = bool(models or family or smallest)
    if every and narrowed:
        raise UsageError("--all is every variant; a model, --family or --smallest is fewer", "leave --all out")
    if not every and not narrowed:
        cells = len(chosen) * len(formats) * len(precisions)
        raise UsageError(
            f"no model given: all are {cells} cells ({len(chosen)} variants x {len(formats)} formats x "
            f"{len(precisions)} precision{'s' * (len(precisions) != 1)}), {how_long(cells, jobs)}",
            "--all makes them; a model id, --family or --smallest makes fewer",
        )
    made = matrix(
        chosen,
        formats,
        out,
        artifacts,
        progress,
        precisions=precisions,
        jobs=jobs,
        resume=resume,
        data=data,
        render=matrix_markdown,
    )
    failures = made.failures
    for cell in failures:
        say(f"{cell.status}: {cell.model} {way(cell, precisions)}")
        for line in cell.reason.splitlines():
            say(f"  {line}")
    say(f"{len(made.cells) - len(failures)} of {len(made.cells)} ok; {out}, {data or out.with_suffix('.json')}")
    if as_json:
        emit_json(made.to_plain())
    if failures:
        raise typer.Exit(1 if any(cell.status == "failed to verify" for cell in failures) else 3)


def how_long(cells: int, jobs: int) -> str:
    """About how long so many cells take."""
    from ..verbs.matrix import CELL_S

    low, high = (time_text(cells * seconds / jobs) for seconds in CELL_S)
    return f"about {low} to {high} with {jobs} job{'s' * (jobs != 1)}"
