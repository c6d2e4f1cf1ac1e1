"""``edgekit export``: model cards to verified artifacts, every native step in a child process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..catalog import find_card, profile_for
from ..errors import EdgekitError, VerificationError
from ..files import check_writable, staged_folder, write_atomic
from ..isolate import METER
from ..types import RUNTIME_OF, Artifact, ExportProfile, LayerErrors, ModelCard, Precision
from .artifacts import MANIFEST, Stored
from .cache import ingredients, keep, take
from .conversion import convert
from .forms import Resolved, resolve
from .layer_errors import layer_errors, read_layer_errors
from .manifest import manifest
from .parallel import run_all
from .prepare import ExportOptions, Images, Prepared, prepare
from .selective_float import Selected, select_float
from .verification import verify
from .weights import resolve_weights

Status = Literal["converted", "failed to convert", "failed to verify", "not fast enough"]
Say = Callable[[str], None]

DEFAULT_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


@dataclass(frozen=True)
class Outcome:
    """How one model x profile ended.

    Attributes:
        note: what was done otherwise than asked, and why.
        seconds: of its own steps; the network that the profiles of a model share is not in it.
        cpu_seconds: of its child processes, with its share of building the network.
        cached: it was made by an earlier run.
        layers: the errors of its layers, where they were asked for; also of an artifact that failed to verify.
        layers_error: why they could not be measured; what the artifact is worth does not hang on it.
    """

    model: str
    profile: str
    status: Status
    seconds: float
    folder: Path | None = None
    artifact: Artifact | None = None
    error: EdgekitError | None = None
    note: str = ""
    cpu_seconds: float = 0.0
    cached: bool = False
    layers: LayerErrors | None = None
    layers_error: EdgekitError | None = None


@dataclass(frozen=True)
class Task:
    """One model and the profiles to export it with, in the forms that they take.

    Attributes:
        profiles: each once.
        asked: for every profile that was asked for, the one that it came to.
    """

    card: ModelCard
    checkpoint: Path | None
    profiles: tuple[ExportProfile, ...]
    asked: tuple[Resolved, ...] = ()

    def answers(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """An outcome for every profile that was asked for, from those of the profiles."""
        of_profile = {outcome.profile: outcome for outcome in outcomes}
        return [replace(of_profile[resolved.profile.name], note=resolved.note) for resolved in self.asked]


Done = Callable[[Outcome], None]


def export(
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    say: Say,
    jobs: int = 1,
    done: Done | None = None,
) -> list[Outcome]:
    """Export every model with every profile; one failure stops nothing else.

    Args:
        models: ids, aliases or card files.
        profiles: the ways to make an artifact.
        options: weights, images, where to.
        say: told each step.
        jobs: models at the same time.
        done: told each outcome as it comes, maybe from another thread.

    Raises:
        UsageError: an unknown model, weights or form: found before any work starts; or unusable images.
        ToolError: ``options.out`` cannot be written (UsageError where it is a file).
        EdgekitError: the only model cannot be built; one of several becomes failed outcomes.
    """
    tasks = plan(models, profiles, options)
    finished: dict[str, list[Outcome]] = {}
    run_all(
        tasks,
        lambda task: export_task(task, options, say, done or (lambda _: None), alone=len(tasks) == 1),
        lambda task, outcomes: finished.update({task.card.id: outcomes}),
        jobs,
    )
    return [outcome for task in tasks for outcome in task.answers(finished[task.card.id])]


def plan(models: Sequence[str], profiles: Sequence[ExportProfile], options: ExportOptions) -> list[Task]:
    """A task per model, each model once.

    Raises:
        UsageError: an unknown model, weights or form.
        ToolError: ``options.out`` cannot be written.
    """
    cards = {card.id: card for card in map(find_card, models)}
    checkpoints = {card.id: resolve_weights(card, options.weights) for card in cards.values()}
    check_writable(options.out)
    tasks = []
    for card in cards.values():
        asked = tuple(resolve(card, profile) for profile in profiles)
        # Two may come to the same: int8 that is taken in float, and float.
        unique = tuple(dict.fromkeys(resolved.profile for resolved in asked))
        tasks.append(Task(card, checkpoints[card.id], unique, asked))
    return tasks


def export_task(
    task: Task, options: ExportOptions, say: Say, done: Done, *, alone: bool = False, images: Images | None = None
) -> list[Outcome]:
    """Export one model: what the cache has is copied, the network for the rest is built once.

    Args:
        task: the model and its profiles.
        options: those of the export.
        say: told each step.
        done: told each outcome as it comes.
        alone: raise where the network cannot be built, instead of giving failed outcomes.
        images: those of the options, already loaded.
    """
    outcomes: dict[str, Outcome] = {}

    def finish(outcome: Outcome) -> None:
        outcomes[outcome.profile] = outcome
        done(outcome)

    start, spent = time.monotonic(), METER.seconds
    try:
        for profile in task.profiles:
            found = from_cache(task, profile, options, say)
            if found is not None:
                finish(found)
        missing = [profile for profile in task.profiles if profile.name not in outcomes]
        if missing:
            with tempfile.TemporaryDirectory(prefix="edgekit-export-") as work:
                say(f"{task.card.id}: building the network and its float reference")
                prepared = prepare(task.card, task.checkpoint, options, Path(work), images)
                share = (METER.seconds - spent) / len(missing)
                for profile in missing:
                    outcome = export_one(prepared, profile, say)
                    to_cache(task, profile, options, outcome, say)
                    finish(replace(outcome, cpu_seconds=outcome.cpu_seconds + share))
    except EdgekitError as error:
        if alone:
            raise
        for profile in task.profiles:
            if profile.name not in outcomes:
                took = time.monotonic() - start
                finish(Outcome(task.card.id, profile.name, "failed to convert", took, error=error))
    return [outcomes[profile.name] for profile in task.profiles]


def from_cache(task: Task, profile: ExportProfile, options: ExportOptions, say: Say) -> Outcome | None:
    """The outcome of an artifact that an earlier run made, now in its place; None when there is none."""
    if options.cache is None:
        return None
    start = time.monotonic()
    final = options.out / task.card.id / profile.name
    stored = take(options.cache, ingredients(task.card, task.checkpoint, profile, options), final, say)
    if stored is None:
        return None
    say(f"{task.card.id} {profile.name}: from cache")
    took = time.monotonic() - start
    layers = read_layer_errors(final)
    return Outcome(task.card.id, profile.name, "converted", took, final, stored.artifact, cached=True, layers=layers)


def to_cache(task: Task, profile: ExportProfile, options: ExportOptions, outcome: Outcome, say: Say) -> None:
    """Keep a new artifact for the next run; not one without the layers that were asked for, which would stay so."""
    if outcome.layers_error is not None:
        return
    if options.cache is not None and outcome.folder is not None and outcome.artifact is not None:
        made_of = ingredients(task.card, task.checkpoint, profile, options)
        keep(options.cache, made_of, Stored(outcome.folder, outcome.artifact), say)


def export_default_set(model: str, out: Path, say: Say) -> list[Outcome]:
    """Export a model in every format, float32 and int8, with random weights."""
    profiles = [profile_for(f, precision) for f in RUNTIME_OF for precision in DEFAULT_PRECISIONS]
    return export([model], profiles, ExportOptions(out=out), say)


def export_one(prepared: Prepared, profile: ExportProfile, say: Say) -> Outcome:
    """Convert, verify and put in place one artifact; a failure becomes the outcome and leaves nothing behind."""
    final = prepared.options.out / prepared.card.id / profile.name
    start, spent = time.monotonic(), METER.seconds
    status: Status = "failed to convert"
    label = f"{prepared.card.id} {profile.name}"
    layers: LayerErrors | None = None
    unmeasured: EdgekitError | None = None
    try:
        with staged_folder(final) as folder:
            say(f"{label}: converting")
            selected: Selected | None = None
            if prepared.options.selective_float and profile.precision == "int8":
                selected = select_float(prepared, profile, folder, say)
                profile, made = selected.profile, selected.made
            else:
                made = convert(prepared, profile, folder)
            convert_seconds = time.monotonic() - start
            status = "failed to verify"
            if prepared.options.layer_errors and profile.precision == "int8":
                say(f"{label}: measuring its layers")
                layers, unmeasured = try_layer_errors(prepared, profile, folder, made)
            say(f"{label}: verifying")
            parity, audit = verify(prepared, profile, folder, made)
            artifact = manifest(prepared, profile, folder, made, parity, audit, convert_seconds)
            if selected is not None:
                artifact = artifact.model_copy(update={"selective_float": selected.record})
            write_atomic(folder / MANIFEST, artifact.model_dump_json(indent=2) + "\n")
    except EdgekitError as error:
        if isinstance(error, VerificationError):
            status = "failed to verify"  # selective float verifies while it converts
        say(f"{label}: {status}")
        ended = Outcome(prepared.card.id, profile.name, status, 0.0, error=error)
    else:
        say(f"{label}: done")
        ended = Outcome(prepared.card.id, profile.name, "converted", 0.0, final, artifact)
    took, cpu = time.monotonic() - start, METER.seconds - spent
    return replace(ended, seconds=took, cpu_seconds=cpu, layers=layers, layers_error=unmeasured)


def try_layer_errors(
    prepared: Prepared, profile: ExportProfile, folder: Path, made: Mapping[str, Any]
) -> tuple[LayerErrors | None, EdgekitError | None]:
    """The errors of the layers, or why there are none: verification alone decides whether an artifact is kept."""
    try:
        return layer_errors(prepared, profile, folder, made), None
    except EdgekitError as error:
        return None, error
