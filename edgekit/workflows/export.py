"""``edgekit export``: model cards to verified artifacts, every native step in a child process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..catalog import find_card, profile_for
from ..errors import EdgekitError
from ..files import check_writable, staged_folder, write_atomic
from ..isolate import run_isolated
from ..types import RUNTIME_OF, Artifact, ExportProfile, Precision
from .artifacts import MANIFEST
from .forms import resolve, target_of
from .manifest import manifest
from .prepare import CHILD, ExportOptions, Prepared, prepare
from .verification import verify
from .weights import resolve_weights

Status = Literal["converted", "failed to convert", "failed to verify", "not fast enough"]
Say = Callable[[str], None]

DEFAULT_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


@dataclass(frozen=True)
class Outcome:
    """How one model x profile ended; ``note`` tells what was done otherwise than asked, and why."""

    model: str
    profile: str
    status: Status
    seconds: float
    folder: Path | None = None
    artifact: Artifact | None = None
    error: EdgekitError | None = None
    note: str = ""


def export(models: Sequence[str], profiles: Sequence[ExportProfile], options: ExportOptions, say: Say) -> list[Outcome]:
    """Export every model with every profile; one failure stops nothing else.

    Raises:
        UsageError: an unknown model, weights or form: found before any work starts; or unusable images.
        ToolError: ``options.out`` cannot be written.
        EdgekitError: the only model cannot be built; one of several becomes failed outcomes.
    """
    cards = [find_card(name) for name in models]
    checkpoints = [resolve_weights(card, options.weights) for card in cards]
    plans = [[resolve(card, profile) for profile in profiles] for card in cards]
    check_writable(options.out)
    outcomes: list[Outcome] = []
    for card, checkpoint, plan in zip(cards, checkpoints, plans, strict=True):
        with tempfile.TemporaryDirectory(prefix="edgekit-export-") as work:
            say(f"{card.id}: building the network and its float reference")
            start = time.monotonic()
            try:
                prepared = prepare(card, checkpoint, options, Path(work))
            except EdgekitError as error:
                if len(cards) == 1:
                    raise
                spent = time.monotonic() - start
                outcomes += [Outcome(card.id, r.profile.name, "failed to convert", spent, error=error) for r in plan]
                continue
            made: dict[ExportProfile, Outcome] = {}
            for resolved in plan:  # two may come to the same: int8 that is taken in float, and float
                if resolved.profile not in made:
                    made[resolved.profile] = export_one(prepared, resolved.profile, say)
                outcomes.append(replace(made[resolved.profile], note=resolved.note))
    return outcomes


def export_default_set(model: str, out: Path, say: Say) -> list[Outcome]:
    """Export a model in every format, float32 and int8, with random weights."""
    profiles = [profile_for(f, precision) for f in RUNTIME_OF for precision in DEFAULT_PRECISIONS]
    return export([model], profiles, ExportOptions(out=out), say)


def export_one(prepared: Prepared, profile: ExportProfile, say: Say) -> Outcome:
    """Convert, verify and put in place one artifact; a failure becomes the outcome and leaves nothing behind."""
    final = prepared.options.out / prepared.card.id / profile.name
    start = time.monotonic()
    status: Status = "failed to convert"
    label = f"{prepared.card.id} {profile.name}"
    try:
        with staged_folder(final) as folder:
            say(f"{label}: converting")
            made = convert(prepared, profile, folder)
            convert_seconds = time.monotonic() - start
            status = "failed to verify"
            say(f"{label}: verifying")
            parity, audit = verify(prepared, profile, folder, made)
            artifact = manifest(prepared, profile, folder, made, parity, audit, convert_seconds)
            write_atomic(folder / MANIFEST, artifact.model_dump_json(indent=2) + "\n")
    except EdgekitError as error:
        say(f"{label}: {status}")
        return Outcome(prepared.card.id, profile.name, status, time.monotonic() - start, error=error)
    say(f"{label}: done")
    return Outcome(prepared.card.id, profile.name, "converted", time.monotonic() - start, final, artifact)


def convert(prepared: Prepared, profile: ExportProfile, folder: Path) -> dict[str, Any]:
    """Run the converter in a child process; its answer, with the resolved target added."""
    target = target_of(profile)
    answer = run_isolated(
        f"{CHILD}:convert",
        {
            "card": prepared.card.to_plain(),
            "profile": profile.to_plain(),
            "target": target,
            "num_classes": prepared.options.num_classes,
            "state": str(prepared.work / "state.pt"),
            "layout": prepared.provenance.layout,
            "pixels": str(prepared.work / "calibration.npy"),
            "folder": str(folder.resolve()),
        },
        prepared.options.timeout_s,
        f"converting {prepared.card.id} to {profile.name}",
    )
    return {**answer, "target": target}
