"""``edgekit export``: model cards to verified artifacts, every native step in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..artifacts.prepare import ExportOptions
from ..artifacts.tasks import Done, Outcome, export_task, plan
from ..base.processes.parallel import run_all
from ..base.processes.warm import warm
from ..base.progress import Progress
from ..catalog import find_card, profile_for
from ..types import RUNTIME_OF, ExportProfile, Precision, TargetClass

DEFAULT_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


def export(
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    progress: Progress,
    jobs: int = 1,
    done: Done | None = None,
) -> list[Outcome]:
    """Export every model with every profile; one failure stops nothing else.

    Args:
        models: ids, aliases or card files.
        profiles: the ways to make an artifact.
        options: weights, images, where to.
        progress: receives an event as each step begins and ends.
        jobs: models at the same time.
        done: receives each outcome as it comes, maybe from another thread.

    Raises:
        UsageError: an unknown model, weights or form: found before any work starts; or unusable images.
        ToolError: ``options.out`` cannot be written (UsageError where it is a file).
        EdgekitError: the only model cannot be built; one of several becomes failed outcomes.
    """
    tasks = plan(models, profiles, options)
    finished: dict[str, list[Outcome]] = {}
    with warm():
        run_all(
            tasks,
            lambda task: export_task(task, options, progress, done or (lambda _: None), alone=len(tasks) == 1),
            lambda task, outcomes: finished.update({task.card.id: outcomes}),
            jobs,
        )
    return [outcome for task in tasks for outcome in task.answers(finished[task.card.id])]


def export_default_set(model: str, out: Path, progress: Progress, target: TargetClass | None = None) -> list[Outcome]:
    """Export a model in every format, float32 and int8, with random weights, for a class of CPU; None: this CPU's."""
    profiles = [profile_for(f, precision) for f in RUNTIME_OF for precision in DEFAULT_PRECISIONS]
    if target is not None:
        profiles = [profile.model_copy(update={"target": target}) for profile in profiles]
    sources = {find_card(model).id: model} if model.endswith(".toml") else {}
    return export([model], profiles, ExportOptions(out=out, out_option="--artifacts", sources=sources), progress)
