"""``edgekit compare``: its options, and what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shared.complete import device_names, model_ids
from .shared.input_options import Input, input_shapes
from .shared.limits import MOST_RUNS
from .shared.options import ArtifactsOption, CoresOption, ForceOption, JsonOption, ReportsOption, ThreadsOption
from .show.console import emit_json, say, tell
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..reports.across.ranking import Ranking
    from ..reports.compared.compare import Comparison, Side
    from ..reports.compared.compare_text import Cells
    from ..reports.compared.operators import OpChange

INCONCLUSIVE = 4


def compare_command(
    names: Annotated[
        list[str],
        typer.Argument(
            help="A and B: measurements (files or keys), artifacts or model files. Or one model, or three and more.",
            metavar="A [B]...",
            autocompletion=model_ids,
        ),
    ],
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            help="Device to measure artifacts on (default: local), or whose measurements to take.",
            autocompletion=device_names,
        ),
    ] = None,
    pairs: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Number of pairs of fresh processes, when measuring.")
    ] = 10,
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
    """Compare two stored measurements, or measure artifacts in turn: latency of B over A, or which of all is fastest.

    Given a model, or three or more artifacts, it measures all of them (ONNX Runtime, LiteRT, OpenVINO) and gives one
    verdict, with memory, size, cold start and known accuracy beside it.

    Exit codes: 5 when two stored measurements were made under different conditions, 4 when a side has too few samples
    or the machine was too busy to tell, 3 when the device failed (five pairs measured before that are still compared).
    The exit code does not depend on how much slower or faster B is: edgekit gate judges that.

    Example: edgekit compare artifacts/mobilenet_v3_large_1.0/tflite-fp32 artifacts/mobilenet_v3_large_1.0/tflite-int8
    Example: edgekit compare mobilenet_v3 --device rpi4
    """
    from ..errors import UsageError
    from ..reports.compared.compare_text import compare_markdown
    from ..verbs.choice.across import across
    from ..verbs.compare import compare

    if as_json and markdown:
        raise UsageError("--json and --markdown contradict each other", "give one of them")
    if len(names) != 2:
        refuse_for_many(turns=turns, per_op=per_op)
        many = across(
            names,
            device or "local",
            count=pairs,
            threads=threads,
            cores=cores,
            shapes=input_shapes(input_),
            artifacts=artifacts,
            force=force,
            progress=ProgressLines(),
        )
        show_many(many, as_json=as_json, markdown=markdown)
        return
    a, b = names
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


def refuse_for_many(*, turns: bool, per_op: bool) -> None:
    """Refuse ``--turns`` and ``--per-op`` for more than two artifacts.

    Raises:
        UsageError: one of them was given.
    """
    from ..errors import UsageError

    for option, given in (("--turns", turns), ("--per-op", per_op)):
        if given:
            raise UsageError(f"{option} compares two artifacts", "name two, or leave it out")


def show_many(found: Ranking, *, as_json: bool, markdown: bool) -> None:
    """The ranking; exit code 4 when the machine was too busy to tell."""
    from ..reports.across.text import NUMBERS, TITLES, across_markdown, best_in, rows, verdict
    from .show.tables import print_table

    if as_json:
        emit_json(ranking_data(found))
    elif markdown:
        tell(across_markdown(found).rstrip("\n"))
    else:
        print_table(TITLES, rows(found), NUMBERS, spare=("SQNR", "runtime", "cold start ms"))
        for line in (*best_in(found), *(f"note: {doubt}" for doubt in found.doubts), verdict(found)):
            say(line)
    if found.too_noisy:
        raise typer.Exit(INCONCLUSIVE)


def ranking_data(found: Ranking) -> dict[str, Any]:
    """The ranking for programs."""
    return {
        "result": "too noisy to tell" if found.too_noisy else "tied" if len(found.tied) > 1 else "fastest",
        "fastest": [one.name for one in found.tied],
        "confidence": found.confidence,
        "artifacts": [
            {
                "name": one.name,
                "model": m.model,
                "profile": m.profile,
                "runtime": m.runtime,
                "runtime_version": m.runtime_version,
                "artifact_sha256": m.artifact_sha256,
                "artifact_bytes": m.artifact_bytes,
                "p50_ms": one.p50_ms,
                "launch_p50_ms": [launch.p50_ms for launch in one.launches],
                "against_fastest": None if one.ratio is None else one.ratio.to_plain(),
                "cold_start_ms": one.cold_ms,
                "peak_rss_bytes": m.peak_rss_bytes,
                "parity_sqnr_db": m.parity_sqnr_db,
                "top1": None
                if one.evaluation is None or one.evaluation.top1 is None
                else one.evaluation.top1.to_plain(),
            }
            for one in found.standings
            for m in [one.measurement]
        ],
        "doubts": list(found.doubts),
    }


def show(found: Comparison) -> None:
    """The answer, its figures and its doubts, on stderr."""
    from ..reports.compared.compare_text import HEAD, headline, operator_rows, rows

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
