"""Run an export and show it: lines or a live line while it runs, blocks or a table when it has ended."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...artifacts.cache import measure
from ...artifacts.prepare import ExportOptions
from ...artifacts.tasks import Done, Outcome
from ...base.progress import JobEnded, Progress
from ...catalog import find_card, find_profile
from ...types import ExportProfile
from ...verbs.export import export
from ..show.console import emit_json, say
from ..show.export import exit_code, outcome_lines, outcome_plain, provenance_lines
from ..show.export_table import outcome_table
from ..show.live import live_line
from ..show.progress import ProgressLines, on_terminal


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
    with telling(len(models) * len(profiles), live) as (progress, done):
        if scheduler is None:
            outcomes = export(models, profiles, options, progress, jobs, done)
        else:
            from ...artifacts.cluster import export_on_cluster

            outcomes = export_on_cluster(scheduler, models, profiles, options, progress, done)
    return outcomes, time.monotonic() - start


@contextmanager
def telling(total: int, live: bool) -> Iterator[tuple[Progress, Done]]:
    """The receivers of events and outcomes: a live line on a terminal, else line by line."""
    if live and on_terminal():
        with live_line(total) as both:
            yield both
    else:
        lines = ProgressLines()
        yield lines, counting(lines, total)


def counting(progress: Progress, total: int) -> Done:
    """Reports each of ``total`` outcomes as a finished job."""
    numbers = itertools.count(1)

    def done(outcome: Outcome) -> None:
        about = (f"{outcome.model} {outcome.profile}",)
        progress(JobEnded(f"{outcome.status}, {outcome.seconds:.1f} s", about, next(numbers), total))

    return done


def report(outcomes: Sequence[Outcome], seconds: float, cache: Path | None, *, table: bool, as_json: bool) -> int:
    """Show the outcomes; the exit code."""
    blocks = [*provenance_lines(outcomes), *outcome_lines(outcomes)]
    for line in outcome_table(outcomes, seconds) if table else blocks:
        say(line)
    if table and cache is not None:
        entries, size = measure(cache)
        say(f"cache: {cache}, {entries} artifacts, {size / 1e6:.0f} MB; remove the folder to empty it")
    if as_json:
        emit_json([outcome_plain(outcome) for outcome in outcomes])
    return exit_code(outcomes)
