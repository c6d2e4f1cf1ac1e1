"""Run an export and show it: steps or a live line while it runs, blocks or a table when it has ended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..artifacts.cache import measure
from ..artifacts.prepare import ExportOptions
from ..artifacts.tasks import Outcome
from ..catalog import find_card, find_profile
from ..types import ExportProfile
from ..verbs.export import export
from .show.console import Progress, emit_json, say
from .show.export import exit_code, outcome_lines, outcome_plain, provenance_lines
from .show.export_table import outcome_table, summary_line

Step = Callable[[str], None]
Done = Callable[[Outcome], None]


def sources_of(models: Sequence[str], profiles: Sequence[str]) -> dict[str, str]:
    """The cards and profiles that were named by their files, by id and name: the manifest's command names them so."""
    found = {find_card(name).id: name for name in models if name.endswith(".toml")}
    return found | {find_profile(name).name: name for name in profiles if name.endswith(".toml")}


def run(
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    jobs: int,
    scheduler: str | None,
    *,
    live: bool,
) -> tuple[list[Outcome], float]:
    """Export here or on a cluster; the outcomes and the seconds that it took."""
    start = time.monotonic()
    with progress(len(models) * len(profiles), live) as (step, done):
        if scheduler is None:
            outcomes = export(models, profiles, options, step, jobs, done)
        else:
            from ..artifacts.cluster import export_on_cluster

            outcomes = export_on_cluster(scheduler, models, profiles, options, step, done)
    return outcomes, time.monotonic() - start


@contextmanager
def progress(total: int, live: bool) -> Iterator[tuple[Step, Done]]:
    """What to tell steps and outcomes to: a live line on a terminal, else the steps one by one, or nothing at all."""
    shown = live and sys.stderr.isatty() and not os.environ.get("CI")
    if not shown:
        step = Progress()
        yield warned(step), lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Live

    console = Console(stderr=True, highlight=False, markup=False)
    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Live(*columns, console=console, transient=True) as shown_live:
        task = shown_live.add_task("", total=total)

        def done(outcome: Outcome) -> None:
            console.print(summary_line(outcome))
            shown_live.advance(task)

        yield warned(lambda text: shown_live.update(task, description=text.replace("[", r"\["))), done


def warned(step: Step) -> Step:
    """Steps, but what the cache has to say is said wherever one looks."""

    def tell(text: str) -> None:
        if text.startswith(("cache entry ", "not cached: ")):
            say(text)
        else:
            step(text)

    return tell


def report(outcomes: Sequence[Outcome], seconds: float, cache: Path | None, *, table: bool, as_json: bool) -> int:
    """Say how it went; the exit code."""
    blocks = [*provenance_lines(outcomes), *outcome_lines(outcomes)]
    for line in outcome_table(outcomes, seconds) if table else blocks:
        say(line)
    if table and cache is not None:
        entries, size = measure(cache)
        say(f"cache: {cache}, {entries} artifacts, {size / 1e6:.0f} MB; remove the folder to empty it")
    if as_json:
        emit_json([outcome_plain(outcome) for outcome in outcomes])
    return exit_code(outcomes)
