"""``edgekit compare``: the command line of the workflow, and what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shared.complete import device_names
from .shared.input_options import Input, input_shapes
from .shared.options import ArtifactsOption, CoresOption, ForceOption, JsonOption, ReportsOption, ThreadsOption
from .show.console import emit_json, say, tell
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..reports.compare import Comparison, Side
    from ..reports.compare_text import Cells
    from ..reports.operators import OpChange

INCONCLUSIVE = 4


def compare_command(
    a: Annotated[str, typer.Argument(help="The baseline: a measurement's file or key, an artifact or a model file.")],
    b: Annotated[str, typer.Argument(help="The candidate, of the same kind.")],
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            help="Device to measure artifacts on (default: local), or whose measurements to take.",
            autocompletion=device_names,
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(help="Number of pairs of fresh processes, when measuring.")] = 10,
    threads: ThreadsOption = 1,
    cores: CoresOption = None,
    force: ForceOption = False,
    turns: Annotated[
        bool,
        typer.Option("--turns", help="Load both and alternate every 20 ms, on this machine: a narrower interval."),
    ] = False,
    per_op: Annotated[bool, typer.Option("--per-op", help="Also time every operator, when measuring.")] = False,
    input_: Input = None,
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the comparison as Markdown on stdout.")] = False,
    artifacts: ArtifactsOption = Path("artifacts"),
    reports: ReportsOption = Path("device_reports"),
) -> None:
    """Compare two stored measurements, or measure two artifacts in turn: latency of B over A, and why.

    Two stored measurements must have been made under the same conditions; exit code 5 when not. 4 when a side has too
    few samples, or the machine was too busy to tell; 3 when the device failed, and after five pairs these are compared
    nevertheless. How much slower or faster B is does not change the exit code: edgekit gate is for that.

    Example: edgekit compare artifacts/mobilenet_v3_large_1.0/tflite-fp32 artifacts/mobilenet_v3_large_1.0/tflite-int8
    """
    from ..errors import UsageError
    from ..reports.compare_text import compare_markdown
    from ..verbs.compare import compare

    if as_json and markdown:
        raise UsageError("--json and --markdown contradict each other", "give one of them")
    found = compare(
        a,
        b,
        device,
        pairs=pairs,
        threads=threads,
        cores=cores,
        turns=turns,
        force=force,
        per_op=per_op,
        shapes=input_shapes(input_),
        reports=reports,
        artifacts=artifacts,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json(as_data(found))
    elif markdown:
        tell(compare_markdown(found).rstrip("\n"))
    else:
        show(found)
    if found.broken_off is not None:
        raise found.broken_off
    if found.word == "too noisy to tell":
        raise typer.Exit(INCONCLUSIVE)


def show(found: Comparison) -> None:
    """The answer, what is behind it and what speaks against it; on stderr."""
    from ..reports.compare_text import HEAD, headline, operator_rows, rows

    print_rows(HEAD, rows(found))
    for title, changes in (("operator types", found.types), ("operators", found.operators)):
        lines = operator_rows(changes or ())
        if lines:
            print_rows((title, "A ms", "B ms", "change ms"), lines)
    for doubt in found.doubts:
        say(f"note: {doubt}")
    for name, side in (("A", found.a), ("B", found.b)):
        if side.measurement.per_op_note:
            say(f"note: operator times of {name}: {side.measurement.per_op_note}")
    say(headline(found))


def print_rows(head: Cells, lines: Sequence[Cells]) -> None:
    """A table of four columns."""
    from .show.tables import print_table

    print_table(head, lines, numbers=head[1:])


def as_data(found: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    return {
        "result": found.word,
        "paired": found.paired,
        "ratio": found.ratio.to_plain(),
        "a": side_data(found.a),
        "b": side_data(found.b),
        "operators": operator_data(found.operators),
        "operator_types": operator_data(found.types),
        "doubts": list(found.doubts),
        "broken_off": None if found.broken_off is None else str(found.broken_off),
    }


def side_data(side: Side) -> dict[str, Any]:
    """One side: identity, figures, verdicts."""
    m = side.measurement
    return {
        "model": m.model,
        "profile": m.profile,
        "artifact_sha256": m.artifact_sha256,
        "artifact_bytes": m.artifact_bytes,
        "device": m.device.id,
        "runtime": m.runtime,
        "runtime_version": m.runtime_version,
        "threads": m.threads,
        "pinned_cores": None if m.pinned is None else list(m.pinned.cpus),
        "p50_ms": side.p50_ms,
        "launch_p50_ms": [launch.p50_ms for launch in side.launches],
        "parity_cosine": m.parity_cosine,
        "parity_sqnr_db": m.parity_sqnr_db,
        "peak_rss_bytes": m.peak_rss_bytes,
        "verdicts": [launch.verdict.name for launch in side.launches],
        "measured_at": m.measured_at,
    }


def operator_data(changes: Sequence[OpChange] | None) -> list[dict[str, Any]] | None:
    """Operator changes, or None where a side was not timed."""
    return None if changes is None else [{**vars(change), "change_ns": change.change_ns} for change in changes]
