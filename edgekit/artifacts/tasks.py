"""The tasks of an export: a model and its profiles, taken from the cache or made, one network for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..base.files import check_writable
from ..base.owned import check_replaceable
from ..base.processes.isolate import METER
from ..base.progress import Finished, Progress, Step
from ..base.scratch import scratch_folder
from ..catalog import find_card
from ..errors import EdgekitError, UsageError
from ..forms.resolve import Resolved, resolve
from ..types import Artifact, ExportProfile, LayerErrors, ModelCard, Stored
from ..zoo.preprocessing import settled
from ..zoo.weights import resolve_weights
from .cache import ingredients, keep, take
from .layer_errors import read_layer_errors
from .make import make_in_place
from .prepare import ExportOptions, Images, Prepared, prepare
from .store import artifact_folder

Status = Literal["converted", "failed to convert", "failed to verify", "not fast enough"]
"""As :data:`~edgekit.artifacts.make.Stage`, and an artifact that a measurement refused."""


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


def plan(models: Sequence[str], profiles: Sequence[ExportProfile], options: ExportOptions) -> list[Task]:
    """A task per model, each model once.

    Raises:
        UsageError: calibration images that nothing would use, an unknown model, weights or form, an impossible input,
            or something of somebody else's where an artifact is to be.
        ToolError: ``options.out`` cannot be written.
    """
    check_used(profiles, options)
    cards = {card.id: card for card in map(find_card, models)}
    checkpoints = {card.id: resolve_weights(card, options.weights) for card in cards.values()}
    cards = {card.id: settled(card, checkpoints[card.id], options.input) for card in cards.values()}
    check_writable(options.out, options.out_option)
    tasks = []
    for card in cards.values():
        asked = tuple(resolve(card, profile) for profile in profiles)
        # Two may come to the same: int8 that is taken in float, and float.
        unique = tuple(dict.fromkeys(resolved.profile for resolved in asked))
        for profile in unique:
            check_replaceable(artifact_folder(options.out, card.id, profile.name))
        tasks.append(Task(card, checkpoints[card.id], unique, asked))
    return tasks


def check_used(profiles: Sequence[ExportProfile], options: ExportOptions) -> None:
    """Make sure that calibration images are of use: int8 takes its ranges from them, and without others they verify.

    Raises:
        UsageError: they are not.
    """
    if options.calibration is None or options.parity_data is None or any(p.precision == "int8" for p in profiles):
        return
    named = ", ".join(profile.name for profile in profiles)
    raise UsageError(
        f"--calibration {options.calibration} would not be used: {named} takes no ranges from images, and "
        "--parity-data verifies",
        "leave --calibration out, or add --int8",
    )


def export_task(
    task: Task,
    options: ExportOptions,
    progress: Progress,
    done: Done,
    *,
    alone: bool = False,
    images: Images | None = None,
) -> list[Outcome]:
    """Export one model: what the cache has is copied, the network for the rest is built once.

    Args:
        task: the model and its profiles.
        options: those of the export.
        progress: receives an event as each step begins and ends.
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
            found = from_cache(task, profile, options, progress)
            if found is not None:
                finish(found)
        missing = [profile for profile in task.profiles if profile.name not in outcomes]
        if missing:
            with scratch_folder("export") as work:
                progress(Step("building the network and its float reference", (task.card.id,)))
                prepared = prepare(task.card, task.checkpoint, options, work, images, progress)
                share = (METER.seconds - spent) / len(missing)
                for profile in missing:
                    outcome = export_one(prepared, profile, progress)
                    to_cache(task, profile, options, outcome, progress)
                    finish(replace(outcome, cpu_seconds=outcome.cpu_seconds + share))
    except EdgekitError as error:
        if alone:
            raise
        for profile in task.profiles:
            if profile.name not in outcomes:
                took = time.monotonic() - start
                finish(Outcome(task.card.id, profile.name, "failed to convert", took, error=error))
    return [outcomes[profile.name] for profile in task.profiles]


def from_cache(task: Task, profile: ExportProfile, options: ExportOptions, progress: Progress) -> Outcome | None:
    """The outcome of an artifact that an earlier run made, now in its place; None when there is none."""
    if options.cache is None:
        return None
    start = time.monotonic()
    final = artifact_folder(options.out, task.card.id, profile.name)
    stored = take(options.cache, ingredients(task.card, task.checkpoint, profile, options), final, progress)
    if stored is None:
        return None
    progress(Finished("from cache", (f"{task.card.id} {profile.name}",)))
    took = time.monotonic() - start
    layers = read_layer_errors(final)
    return Outcome(task.card.id, profile.name, "converted", took, final, stored.artifact, cached=True, layers=layers)


def to_cache(task: Task, profile: ExportProfile, options: ExportOptions, outcome: Outcome, progress: Progress) -> None:
    """Keep a new artifact for the next run; not one without the layers that were asked for, which would stay so."""
    if outcome.layers_error is not None:
        return
    if options.cache is not None and outcome.folder is not None and outcome.artifact is not None:
        made_of = ingredients(task.card, task.checkpoint, profile, options)
        keep(options.cache, made_of, Stored(outcome.folder, outcome.artifact), progress)


def export_one(prepared: Prepared, profile: ExportProfile, progress: Progress) -> Outcome:
    """Make one artifact in its place; a failure becomes the outcome and leaves nothing behind."""
    start, spent = time.monotonic(), METER.seconds
    attempt = make_in_place(prepared, profile, progress)
    return Outcome(
        prepared.card.id,
        profile.name,
        attempt.stage,
        seconds=time.monotonic() - start,
        folder=None if attempt.stored is None else attempt.stored.folder,
        artifact=None if attempt.stored is None else attempt.stored.artifact,
        error=attempt.error,
        cpu_seconds=METER.seconds - spent,
        layers=attempt.layers,
        layers_error=attempt.layers_error,
    )
