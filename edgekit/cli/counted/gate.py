"""``edgekit gate --device sim-…``: the gate by counts, and what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..shared.gate_pages import announce, write_pages
from ..show.console import emit_json, say
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...types import CountGate
    from ...verbs.counted.gate import PlannedCount
    from ...verify.sets_of_inputs import Shapes


def run_count_gate(
    names: Sequence[str],
    devices: Sequence[str],
    *,
    baseline: Path,
    threads: int,
    tolerance: float | None,
    config: Path | None,
    artifacts: Path,
    shapes: Shapes | None,
    dry_run: bool,
    update: bool,
    results: Path,
    as_json: bool,
    junit: Path | None,
    markdown: Path | None,
) -> None:
    """Judge candidates by counts on simulated boards, or count them as new baselines; ends with the exit code."""
    from ...devices.reach import what_is_built_first
    from ...reports.counted.gate_words import markdown as markdown_page
    from ...types.gates import EXIT_CODES, worst
    from ...verbs.counted.gate import gate_counts, plan_counts

    for name in devices:
        building = what_is_built_first(name)
        if building and not dry_run:
            say(building)
    if update:
        count_baselines(names, devices, threads, artifacts, baseline, shapes, as_json)
        return
    planned = plan_counts(
        names,
        devices,
        baseline=baseline,
        threads=threads,
        tolerance=tolerance,
        config=config,
        artifacts_root=artifacts,
        shapes=shapes,
    )
    if dry_run:
        show_plan(planned, as_json)
        return
    found = gate_counts(planned, results_root=results, progress=ProgressLines())
    page = markdown_page(found)
    write_pages(found, page, junit, markdown)
    announce(found, page)
    code = EXIT_CODES[worst([result.status for result in found])]
    if as_json:
        emit_json({"gates": [{**one.to_plain(), "ratio": one.ratio, "cycles_ratio": one.cycles_ratio,
                              "exit_code": one.exit_code} for one in found], "exit_code": code})  # fmt: skip
    else:
        show(found)
    raise typer.Exit(code)


def count_baselines(
    names: Sequence[str],
    devices: Sequence[str],
    threads: int,
    artifacts: Path,
    reports: Path,
    shapes: Shapes | None,
    as_json: bool,
) -> None:
    """Count the candidates and keep the counts as the baselines."""
    from ...devices.inventory import find_device
    from ...verbs.counted.profile import count_profile
    from .profile import as_data

    run = count_profile(
        names,
        [find_device(name) for name in dict.fromkeys(devices)],
        threads=[threads],
        shapes=shapes,
        artifacts_root=artifacts,
        reports_root=reports,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json(as_data(run))
    else:
        for one, path in zip(run.counted, run.files, strict=True):
            say(f"counted {one.key} on {one.device.id}: {one.counts.instructions:,} instructions")
            say(f"  {path}")
        say("commit the files: later runs are compared with them")
    run.raise_failures()


def show_plan(planned: Sequence[PlannedCount], as_json: bool) -> None:
    """Which candidates would be counted, and against which baselines."""
    from ...types import Counted

    rows = [
        {
            "key": one.key,
            "device": one.device.id,
            "candidate": str(one.candidate.folder),
            "baseline": str(one.where),
            "baseline_is_counted": isinstance(one.baseline, Counted),
            "tolerance": one.tolerance,
        }
        for one in planned
    ]
    if as_json:
        emit_json({"plan": rows})
        return
    for row in rows:
        say(f"{row['key']} on {row['device']}: FAIL above {row['tolerance']:.3%} more instructions")
        say(f"  candidate  {row['candidate']}")
        say(f"  baseline   {row['baseline']}" + (" (counted before)" if row["baseline_is_counted"] else ""))


def show(results: Sequence[CountGate]) -> None:
    """The table, and the remarks on each result, on stderr."""
    from ...reports.counted.gate_words import HEADINGS, HOW, SPARE, headline, remarks, row
    from ..show.gate import print_statuses

    print_statuses(HEADINGS, [row(result) for result in results], SPARE)
    for result in results:
        say(f"{result.name}: {result.status}")
        for line in remarks(result):
            say(f"  {line}")
    say(HOW)
    say(headline(results))
