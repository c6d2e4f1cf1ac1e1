"""``python -m benchmarks.counting.forms``: the forms of networks on simulated boards, against the plain export.

A row is kept in ``--cache`` as soon as it is whole, a count in edgekit's own cache; a run that was stopped goes on from
there. ``--write`` makes the figures, the page and the tables of defaults of all rows that are kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.counting.form_builds import REFUSALS, all_forms, form_artifact, plain_artifact
from benchmarks.counting.form_choice import DEFAULTS, counted_forms, shipped_tables, tables
from benchmarks.places import RESULTS
from edgekit.artifacts.prepare import ExportOptions, Prepared, prepare
from edgekit.base.files import write_atomic
from edgekit.base.folders import benchmark_folder
from edgekit.base.processes.warm import warm
from edgekit.base.progress import silent
from edgekit.base.scratch import scratch_folder
from edgekit.catalog import find_card
from edgekit.counting.emulator import Ready
from edgekit.counting.emulator import prepare as ready_board
from edgekit.counting.kept import count_once
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.errors import ToolError
from edgekit.types import Counted, Format, Precision, TargetClass, TriedForm
from edgekit.zoo.preprocessing import settled

FILE = RESULTS / "forms.json"
ROWS = "form_rows"
HARD = ("mobilenet_v3", "shufflenet_v1", "shufflenet_v2", "igcv3", "condensenet")
TARGETS: dict[str, TargetClass] = {"sim-rpi4": "armv8.0", "sim-rpi5": "armv8.2-dot"}
"""The class whose defaults a board's counts decide."""


def main(
    models: Annotated[list[str] | None, typer.Argument(help="Networks; the five hard ones when none is named.")] = None,
    formats: Annotated[list[str], typer.Option("--format", help="Repeatable.")] = ["onnx", "tflite"],  # noqa: B006
    precisions: Annotated[list[str], typer.Option("--precision", help="Repeatable.")] = ["int8"],  # noqa: B006
    boards: Annotated[list[str], typer.Option("--board", help="Repeatable.")] = list(TARGETS),  # noqa: B006
    forms: Annotated[
        list[str] | None, typer.Option("--form", help="Only these; repeatable. Others keep what earlier runs found.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="Artifacts and rows.")] = benchmark_folder(),  # noqa: B008
    write: Annotated[
        bool, typer.Option("--write", help="Write what follows from the kept rows; count nothing.")
    ] = False,
) -> None:
    """Count the forms of the networks, or write what came of it."""
    if write:
        kept = [json.loads(path.read_text()) for path in (cache / ROWS).glob("*.json")]
        figures = sorted((row for row in kept if counted_forms(row)), key=place)
        write_atomic(FILE, json.dumps(figures, indent=1) + "\n")
        for target, text in tables(figures, shipped_tables()).items():
            write_atomic(DEFAULTS / f"{target}.toml", text)
        sys.stderr.write("the page: python -m benchmarks.counting --write\n")
        return
    ready = {name: ready_board(SIMULATED[name], silent) for name in boards}
    for model in models or HARD:
        card = settled(find_card(model), None, ExportOptions().input)
        with warm(), scratch_folder("forms") as work:
            prepared = prepare(card, None, ExportOptions(), work)
            for precision in precisions:
                for format_ in formats:
                    for board in ready.values():
                        row(prepared, format_, precision, board, cache, forms)  # type: ignore[arg-type]


def place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Where a row stands among the others."""
    order = [*HARD, row["family"]]
    return (row["precision"], row["format"], order.index(row["family"]), row["model"], row["device"])


def row(
    prepared: Prepared, format_: Format, precision: Precision, board: Ready, cache: Path, wanted: Sequence[str] | None
) -> None:
    """Count the plain export and every wanted form on a board; the row is kept at once.

    Raises:
        EdgekitError: a form failed for another reason than that the network has no such form.
    """
    card, target = prepared.card, TARGETS[board.board.name]
    path = cache / ROWS / f"{card.id}-{format_}-{precision}-{board.board.name}.json"
    before = json.loads(path.read_text())["forms"] if path.is_file() else []
    plain = count_once(plain_artifact(card, format_, precision, cache), board)
    say(plain, board, "plain")
    profiles, left_out = all_forms(prepared, format_, precision, target)
    forms = {one["name"]: one for one in before}
    forms |= {one.name: {"name": one.name, **outcome_of(one)} for one in left_out}
    for profile in profiles:
        if wanted and profile.form not in wanted:
            forms.setdefault(profile.form, {"name": profile.form, "outcome": "not counted", "reason": "not asked for"})
            continue
        made = form_artifact(prepared, profile, target, cache)
        if made.stored is None:
            forms[made.name] = {"name": made.name, "outcome": "refused", "reason": made.reason}
            continue
        found = count_once(made.stored, board)
        say(found, board, made.name)
        forms[made.name] = {"name": made.name, "outcome": "counted", **figures_of(found)}
    kept = {
        "model": card.id,
        "family": card.family,
        "format": format_,
        "precision": precision,
        "device": board.board.name,
        "core": board.board.cpu,
        "target": target,
        "runtime": plain.runtime,
        "runtime_version": plain.runtime_version,
        "date": plain.counted_at[:10],
        "plugin": plain.plugin,
        "emulator": plain.emulator,
        "plain": figures_of(plain),
        "forms": list(forms.values()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(kept) + "\n")


def outcome_of(form: TriedForm) -> dict[str, str]:
    """What is kept of a form that was not made.

    Raises:
        ToolError: one of its passes broke.
    """
    if form.outcome != "failed to convert":
        return {"outcome": form.outcome, "reason": form.reason}
    if not form.reason.startswith(tuple(f"{kind.__name__}: " for kind in REFUSALS)):
        raise ToolError(f"the form {form.name} failed to convert: {form.reason}")
    return {"outcome": "refused", "reason": form.reason}


def figures_of(found: Counted) -> dict[str, Any]:
    """What is kept of a count."""
    return {
        "instructions": found.counts.instructions,
        "cycles": round(found.estimate.cycles),
        "misses": list(found.counts.cache_misses),
        "sha256": found.artifact_sha256,
    }


def say(found: Counted, board: Ready, form: str) -> None:
    """A line on stderr."""
    figures = f"{found.counts.instructions / 1e6:8.2f} M instructions {found.estimate.cycles / 1e6:8.2f} M cycles"
    what = f"{board.board.name} {found.runtime} {found.precision} {found.model} {form}"
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {what:80} {figures}\n")


if __name__ == "__main__":
    typer.run(main)
