"""``edgekit gate``: its options, and what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shared.complete import device_names, model_ids
from .shared.gate_pages import announce, told_in_pages, write_pages
from .shared.input_options import Input, input_shapes
from .shared.limits import LARGEST, LARGEST_SEED
from .shared.options import ArtifactsOption, CoresOption, ForceOption, JsonOption, ThreadsOption
from .show.console import emit_json, say
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..types import GateResult
    from ..verbs.gate import Planned
    from ..verify.sets_of_inputs import Shapes


def gate_command(
    candidates: Annotated[
        list[str] | None,
        typer.Argument(
            help="Artifact folders, model files (edgekit's or not), or model ids. [default: all artifacts]",
            autocompletion=model_ids,
        ),
    ] = None,
    baseline: Annotated[
        Path, typer.Option(help="Folder of reports with pinned baselines, one artifact, or a folder of artifacts.")
    ] = Path("device_reports"),
    device: Annotated[
        list[str] | None,
        typer.Option("--device", "-d", help="Device to measure on; may be repeated.", autocompletion=device_names),
    ] = None,
    threads: ThreadsOption = 1,
    cores: CoresOption = None,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, max=LARGEST, help="Largest slowdown that passes: 0.01 is 1 %. Overrides the config."),
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(min=0, max=LARGEST, help="Slowdown that the gate must find; larger than the tolerance."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Tolerances by device and model. [default: gate.toml, if there is one]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and how long it takes; measure nothing.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Measure the candidates and make them the pinned baselines.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(help="With --update: URL to fetch the files from later; they are not copied."),
    ] = None,
    plumbing: Annotated[
        bool,
        typer.Option(
            "--plumbing", help="Run one pair on an emulated device to try the set-up; the result is NOT_COMPARABLE."
        ),
    ] = False,
    runtime_a: Annotated[
        str | None,
        typer.Option("--runtime-a", help="Gate an upgrade: the version in use, such as onnxruntime==1.22.0."),
    ] = None,
    runtime_b: Annotated[
        str | None, typer.Option("--runtime-b", help="The version to upgrade to; the artifacts stay the same.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="With --runtime-a: labelled images on which both versions' accuracy is compared."),
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Label file of --data, where it brings none.")] = None,
    force: ForceOption = False,
    input_: Input = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the order of the sides. [default: random]")
    ] = None,
    as_json: JsonOption = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a pull-request comment to this file.")] = None,
    results: Annotated[Path, typer.Option(help="Folder for every run with its raw samples.")] = Path("gate_results"),
    artifacts: ArtifactsOption = Path("artifacts"),
) -> None:
    """Compare artifacts with their pinned baselines, in pairs, on the device; fail when one is slower.

    With --runtime-a and --runtime-b the same artifacts run under two versions of their runtime, each in an environment
    that edgekit makes from wheels, here or on a device behind SSH. Different outputs fail, and with --data lost
    accuracy; otherwise the same rule judges the pairs.

    On a simulated board (sim-rpi4, ...) edgekit counts instructions instead, and growth of more than 0.5 % fails.

    Exit codes: 0 PASS, 1 FAIL, 3 INVALID or broken off, 4 INCONCLUSIVE, 5 NOT_COMPARABLE. The worst of several gates
    decides: FAIL, broken off, INVALID, NOT_COMPARABLE, INCONCLUSIVE, PASS.

    Example: edgekit gate mobilenet_v3 --device rpi4
    Example: edgekit gate mobilenet_v3 --runtime-a onnxruntime==1.22.0 --runtime-b onnxruntime==1.23.0 --data photos
    """
    from ..devices.reach import what_is_built_first
    from ..verbs.gate import gate, plan

    with told_in_pages(junit, markdown):
        devices = device or ["local"]
        shapes = input_shapes(input_)
        refuse_mixtures(dry_run=dry_run, update=update, url=url, as_baseline=baseline)
        if runtime_a is not None or runtime_b is not None:
            from .choice.upgrade import run_upgrade_gate

            refuse_for_upgrades({"--update": update, "--url": url is not None, "--dry-run": dry_run})
            run_upgrade_gate(
                candidates or [],
                runtime_a,
                runtime_b,
                devices,
                threads=threads,
                cores=cores,
                tolerance=tolerance,
                delta=delta,
                config=config,
                artifacts=artifacts,
                results=results,
                shapes=shapes,
                data=data,
                labels=labels,
                seed=seed,
                plumbing=plumbing,
                force=force,
                tell=lambda found: finish(found, junit, markdown, as_json),
            )
            return
        refuse_data_of_baselines(data, labels)
        if counts_there(devices):
            from .counted.gate import run_count_gate
            from .profile import refuse_for_counts

            refuse_for_counts(
                {"--cores": cores, "--delta": delta is not None, "--url": url,
                 "--plumbing": plumbing, "--seed": seed is not None, "--force": force}
            )  # fmt: skip
            run_count_gate(
                candidates or [],
                devices,
                baseline=baseline,
                threads=threads,
                tolerance=tolerance,
                config=config,
                artifacts=artifacts,
                shapes=shapes,
                dry_run=dry_run,
                update=update,
                results=results,
                as_json=as_json,
                junit=junit,
                markdown=markdown,
            )
            return
        if update:
            run_update(
                candidates or [], devices, threads, cores, url, plumbing, artifacts, baseline, shapes, as_json, force
            )
            return
        planned = plan(
            candidates or [],
            devices,
            baseline=baseline,
            threads=threads,
            cores=cores,
            tolerance=tolerance,
            delta=delta,
            config=config,
            artifacts_root=artifacts,
            shapes=shapes,
        )
        if dry_run:
            show_plan(planned, as_json)
            return
        for name in devices:
            building = what_is_built_first(name)
            if building:
                say(building)
        found = gate(planned, results_root=results, plumbing=plumbing, seed=seed, force=force, progress=ProgressLines())
        finish(found, junit, markdown, as_json)


def finish(found: list[GateResult], junit: Path | None, markdown: Path | None, as_json: bool) -> None:
    """Write the pages, show the results, and end with their exit code."""
    from ..reports.gate.markdown import gate_markdown

    page = gate_markdown(found)
    write_pages(found, page, junit, markdown)
    if as_json:
        emit_json(as_data(found))
    else:
        from .show.gate import show_results

        show_results(found)
    announce(found, page)
    raise typer.Exit(exit_code(found))


def refuse_for_upgrades(given: dict[str, bool]) -> None:
    """Refuse options that do not apply to the gate of an upgrade.

    Raises:
        UsageError: one of them was given.
    """
    from ..errors import UsageError

    for option, on in given.items():
        if on:
            raise UsageError(f"{option} is about baselines, and --runtime-a is one itself", "leave one of both out")


def refuse_data_of_baselines(data: str | None, labels: str | None) -> None:
    """Raise UsageError for images where no upgrade is gated: there the accuracy is what ``edgekit evaluate`` kept."""
    from ..errors import UsageError

    if data is not None or labels is not None:
        raise UsageError(
            f"{'--labels' if data is None else '--data'} goes with --runtime-a and --runtime-b",
            "for a baseline: edgekit evaluate ARTIFACT --data DATA --against float, and max_drop in gate.toml",
        )


def counts_there(devices: Sequence[str]) -> bool:
    """True when the devices are simulated boards, on which nothing is measured.

    Raises:
        UsageError: some are and some are not.
    """
    from ..devices.inventory import find_device
    from ..verbs.counted.profile import split

    return split([find_device(name) for name in devices])


def refuse_mixtures(dry_run: bool, update: bool, url: str | None, as_baseline: Path) -> None:
    """Raise UsageError for options that contradict each other."""
    from ..base.owned import MANIFEST
    from ..errors import UsageError

    if dry_run and update:
        raise UsageError("--dry-run and --update contradict each other", "give one of them")
    if url is not None and not update:
        raise UsageError("--url says where a pinned baseline will lie; it goes with --update")
    if update and (as_baseline / MANIFEST).is_file():
        raise UsageError(f"{as_baseline} is an artifact", "with --update, --baseline is the folder of reports")


def run_update(
    names: Sequence[str],
    devices: Sequence[str],
    threads: int,
    cores: str | None,
    url: str | None,
    plumbing: bool,
    artifacts: Path,
    reports: Path,
    shapes: Shapes,
    as_json: bool,
    force: bool,
) -> None:
    """Pin the candidates and say what changed."""
    from ..verbs.gate import update
    from .show.gate import show_pinned

    pinned = update(
        names,
        devices,
        threads=threads,
        cores=cores,
        url=url,
        plumbing=plumbing,
        artifacts_root=artifacts,
        shapes=shapes,
        reports_root=reports,
        force=force,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json({"pinned": [{**vars(one), "folder": str(one.folder)} for one in pinned]})
    else:
        show_pinned(pinned)


def show_plan(planned: Sequence[Planned], as_json: bool) -> None:
    """The plan for a person or a program."""
    if not as_json:
        from .show.gate import show_plan as show

        show(planned)
        return
    emit_json(
        {
            "plan": [
                {
                    "key": one.key,
                    "device": one.device.id,
                    "candidate": str(one.candidate.folder),
                    "baseline": str(one.baseline.stored.folder),
                    "pinned": one.baseline.pin is not None,
                    "rule": one.rule.to_plain(),
                    "seconds_least": one.seconds(one.rule.looks[0]),
                    "seconds_most": one.seconds(one.rule.most_pairs),
                }
                for one in planned
            ]
        }
    )


def as_data(results: Sequence[GateResult]) -> dict[str, Any]:
    """The results for programs, without the raw samples, which are in the stored files."""
    gates = []
    for result in results:
        plain = result.to_plain()
        plain["pairs"] = [
            {
                "number": pair.number,
                "candidate_first": pair.candidate_first,
                "log_ratio": None if pair.dropped else pair.log_ratio,
                "dropped": pair.dropped,
            }
            for pair in result.pairs
        ]
        plain["baseline_p50_ms"], plain["candidate_p50_ms"] = result.p50_ms("baseline"), result.p50_ms("candidate")
        gates.append({**plain, "exit_code": result.exit_code})
    return {"gates": gates, "exit_code": exit_code(results)}


def exit_code(results: Sequence[GateResult]) -> int:
    """That of the worst result."""
    from ..types.gates import EXIT_CODES, worst

    return EXIT_CODES[worst([result.status for result in results])]
