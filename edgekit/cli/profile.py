"""``edgekit profile``: its options, and what it prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shared.complete import device_names, model_ids
from .shared.input_options import Input, input_shapes
from .shared.limits import LARGEST_BATCH, MOST_RUNS
from .shared.options import ArtifactsOption, CoresOption, ForceOption, JsonOption, ReportsOption
from .show.console import emit_json, say
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..artifacts.tasks import Outcome
    from ..base.progress import Progress
    from ..types import Accelerator, Device
    from ..verbs.profile import Profiled


def profile_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Artifact folders, model files (edgekit's or not), or model ids. [default: all artifacts]",
            autocompletion=model_ids,
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            "-d",
            help="Devices to measure on: names or tags, separated by commas (edgekit devices list).",
            autocompletion=device_names,
        ),
    ] = "local",
    runtime: Annotated[
        str | None, typer.Option(help="Measure only artifacts of this runtime: onnxruntime, litert or openvino.")
    ] = None,
    threads: Annotated[
        str, typer.Option(help="Threads within an operator; of several counts (1,2,4) each is measured.")
    ] = "1",
    accelerator: Annotated[str, typer.Option(help="Accelerator to compute on: cpu, gpu or npu.")] = "cpu",
    provider: Annotated[
        str | None,
        typer.Option(
            help="ONNX Runtime's execution provider: cuda, openvino, webgpu, ... [default: the first available]"
        ),
    ] = None,
    cores: CoresOption = None,
    require_full_delegation: Annotated[
        bool, typer.Option("--require-full-delegation", help="Fail when the delegate leaves an operator to the CPU.")
    ] = False,
    per_op: Annotated[
        bool, typer.Option("--per-op", help="Also time every operator, in a process of its own.")
    ] = False,
    sustained: Annotated[
        str | None, typer.Option(help="Also run this long without a pause (30s, 10m, 1h), to see latency over time.")
    ] = None,
    streams: Annotated[
        str | None,
        typer.Option(
            help="Also count the inferences a second of so many streams at once; of several (1,2,4) each.",
        ),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_RUNS, help="Measure all artifacts in turn this many times, so that drift affects all alike."
        ),
    ] = 1,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST_BATCH,
            help="Images per inference, for artifacts exported with --batch dynamic. [default: 1]",
        ),
    ] = None,
    input_: Input = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip artifacts that have a report of the same file.")
    ] = False,
    force: ForceOption = False,
    roofline: Annotated[
        bool, typer.Option("--roofline", help="Also measure the device's peak rates, and how near each artifact comes.")
    ] = False,
    count: Annotated[
        bool, typer.Option("--count", help="Count instructions here instead of measuring: as --device sim-x86-avx2.")
    ] = False,
    as_json: JsonOption = False,
    artifacts: ArtifactsOption = Path("artifacts"),
    reports: ReportsOption = Path("device_reports"),
) -> None:
    """Measure the latency and memory of artifacts on a device.

    On a simulated board (sim-rpi4, sim-rpi5, sim-a53, sim-neoverse-n1, sim-x86-avx2) edgekit counts instructions
    instead and needs no device; a cycle model estimates the latency from the counts.

    Example: edgekit profile mobilenet_v3 --threads 2
    """
    from ..artifacts.find import find_artifacts
    from ..devices.inventory import find_devices
    from ..devices.reach import what_is_built_first
    from ..verbs.counted.profile import split
    from ..verbs.profile import known_provider, known_runtime, profile

    if count:
        device = counting_device(device)
    places, counts, chosen = find_devices(device), thread_counts(threads), known_runtime(runtime)
    engine = known_accelerator(accelerator)
    on = known_provider(provider, engine, chosen)
    if on is not None:
        chosen = "onnxruntime"
    shapes = input_shapes(input_)
    at_once = () if streams is None else thread_counts(streams, "--streams")
    long_s = None if sustained is None else seconds(sustained, "--sustained", least=2.0)
    for place in places:
        building = what_is_built_first(place.id)
        if building:
            say(building)
    exported: list[Outcome] = []
    lines = ProgressLines()
    if split(places):
        refuse_for_counts(
            {"--accelerator": accelerator != "cpu", "--provider": provider, "--cores": cores, "--per-op": per_op,
             "--require-full-delegation": require_full_delegation, "--sustained": sustained, "--rounds": rounds != 1,
             "--streams": streams, "--roofline": roofline, "--resume": resume}
        )  # fmt: skip
        from .counted.profile import run_counts

        run_counts(
            names or [],
            places,
            chosen,
            counts,
            batch,
            shapes,
            artifacts,
            reports,
            lambda model: export_first(model, artifacts, lines, exported, places),
            lines,
            as_json,
        )
        return

    def run(name: str, progress: Progress, what: list[str]) -> Profiled:
        return profile(
            what,
            name,
            chosen,
            threads=counts,
            accelerator=engine,
            provider=on,
            cores=cores,
            require_full_delegation=require_full_delegation,
            per_op=per_op,
            sustained_s=long_s,
            streams=at_once,
            rounds=rounds,
            roofline=roofline,
            batch=batch,
            shapes=shapes,
            artifacts_root=artifacts,
            reports_root=reports,
            export_missing=lambda model: export_first(model, artifacts, progress, exported, places),
            resume=resume,
            force=force,
            progress=progress,
        )

    if len(places) == 1:
        run_profile(lambda progress: run(places[0].id, progress, names or []), as_json)
    else:
        # The artifacts are found, or made, once for all devices.
        found = find_artifacts(
            names or [],
            artifacts,
            chosen,
            lambda model: export_first(model, artifacts, lines, exported, places),
            shapes,
        )
        folders = [str(stored.folder) for stored in found]
        profile_devices(places, lambda name, progress: run(name, progress, folders), lines, as_json)
    if any(outcome.error is not None for outcome in exported):
        from .show.export import exit_code

        raise typer.Exit(exit_code(exported))


def counting_device(device: str) -> str:
    """The simulated board that counts what this machine's own runtimes execute.

    Raises:
        UsageError: another device was named.
    """
    from ..devices.virtual.simulated import AVX2
    from ..errors import UsageError

    if device not in ("local", AVX2.name):
        raise UsageError(f"--count counts on this machine, and --device names {device}",
                         "leave one out; --device sim-rpi4 counts on a simulated board")  # fmt: skip
    return AVX2.name


def refuse_for_counts(given: Mapping[str, object]) -> None:
    """Refuse options that say how to measure.

    Raises:
        UsageError: one was.
    """
    from ..errors import UsageError

    named = [option for option, value in given.items() if value]
    if named:
        raise UsageError(f"{', '.join(named)}: a simulated board counts instructions, nothing is timed there",
                         "leave it out, or name a device that measures")  # fmt: skip


def known_accelerator(text: str) -> Accelerator:
    """``cpu``, ``gpu`` or ``npu``.

    Raises:
        UsageError: something else.
    """
    from ..errors import UsageError, did_you_mean

    names: tuple[Accelerator, ...] = ("cpu", "gpu", "npu")
    for name in names:
        if text == name:
            return name
    raise UsageError(f"unknown accelerator {text!r}", did_you_mean(text, names))


def thread_counts(text: str, option: str = "--threads") -> list[int]:
    """``1,2,4`` as numbers, the value of ``option``.

    Raises:
        UsageError: something else.
    """
    from ..errors import UsageError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise UsageError(f"{option} takes whole numbers from 1, got {text!r}", f"for example {option} 1,2,4")
    return [int(word) for word in words]


def seconds(text: str, option: str, least: float = 0.0) -> float:
    """``90s``, ``10m`` or ``1h`` as seconds.

    Raises:
        UsageError: something else, or less than ``least``.
    """
    from ..errors import UsageError

    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.replace(".", "", 1).isdecimal() or float(number) * units[unit] < least:
        raise UsageError(f"{option} takes a time from {least:g}s, got {text!r}", f"for example {option} 10m")
    return float(number) * units[unit]


def export_first(
    model: str, artifacts: Path, progress: Progress, done: list[Outcome], places: Sequence[Device]
) -> list[Path]:
    """Export a model that has no artifacts yet, and say how it went; the outcomes are added to ``done``.

    The devices are reached first, so that nobody waits for exports to learn that one is not there.
    """
    from ..devices.reach import reach
    from ..devices.target import common_target
    from ..verbs.export import export_default_set
    from .show.export import outcome_lines, provenance_lines

    for place in places:
        if place.transport in ("ssh", "adb"):
            with reach(place, progress):
                pass
    target = common_target(places)
    made_for = "" if target is None else f", for {target}"
    say(f"{model} has no artifacts yet: exporting it in every format, float32 and int8, with random weights{made_for}")
    outcomes = export_default_set(model, artifacts, progress, target)
    for line in (*provenance_lines(outcomes), *outcome_lines(outcomes)):
        say(line)
    done += outcomes
    return [outcome.folder for outcome in outcomes if outcome.folder is not None]


def run_profile(run: Callable[[Progress], Profiled], as_json: bool) -> None:
    """Carry out ``run`` with progress on stderr, print its results, and raise its failures."""
    outcome = run(ProgressLines())
    if as_json:
        emit_json(as_data(outcome))
    else:
        show(outcome)
    outcome.raise_failures()


def profile_devices(
    places: Sequence[Device],
    run: Callable[[str, Progress], Profiled],
    progress: Progress,
    as_json: bool,
) -> None:
    """Measure on several devices at once: each one's table as it ends, then all failures."""
    from ..verbs.profile_many import DeviceOutcome, profile_many, raise_device_failures

    def ended(outcome: DeviceOutcome) -> None:
        if as_json:
            return
        if outcome.profiled is not None:
            show(outcome.profiled)
        else:
            say(f"{outcome.device.id}: failed: {outcome.error}")

    outcomes = profile_many(places, run, progress, ended)
    if as_json:
        emit_json(
            {
                one.device.id: as_data(one.profiled)
                if one.profiled is not None
                else {"error": str(one.error), "hint": one.error.hint if one.error else ""}
                for one in outcomes
            }
        )
    raise_device_failures(outcomes)


def show(outcome: Profiled) -> None:
    """The table of measurements, the slowest operators where timed, and where the reports are. It goes to stderr."""
    from ..reports.page.sustained import steady_state
    from ..reports.summary import acceleration
    from ..reports.table import measurement_table, operator_table
    from ..reports.throughput import throughput_table
    from .show.screen import on_stderr

    console = on_stderr()
    if outcome.measurements:
        console.print(measurement_table(outcome.measurements, console.width))
    for measurement in outcome.measurements:
        if acceleration(measurement):
            say(f"{measurement.model} {measurement.profile}: {acceleration(measurement)}")
        if measurement.per_op is not None:
            console.print(operator_table(measurement))
        if measurement.sustained:
            say(f"{measurement.model} {measurement.profile}: {steady_state(measurement.sustained)}")
    rates = [m for m in outcome.measurements if m.throughput]
    if rates:
        console.print(throughput_table(rates))
    for path in outcome.reports:
        say(f"report: {path}")
    if outcome.skipped:
        say(f"{outcome.skipped} left out: a report of the same file and threads is there")


def as_data(outcome: Profiled) -> dict[str, Any]:
    """The outcome for programs: measurements as stored, their percentiles and millijoules, report files, failures."""
    return {
        "measurements": [
            {
                **m.model_dump(mode="json"),
                "p50_ms": m.p50_ms,
                "p90_ms": m.p90_ms,
                "p99_ms": m.p99_ms,
                "energy_mj": None if m.energy is None else {d.domain: m.millijoules(d) for d in m.energy},
                "inferences_per_s": None if m.throughput is None else {t.streams: t.per_s for t in m.throughput},
                "report": str(path),
            }
            for m, path in zip(outcome.measurements, outcome.reports, strict=True)
        ],
        "failures": [
            {"artifact": f.artifact, "error": str(f.error), "hint": f.error.hint, "exit_code": f.error.exit_code}
            for f in outcome.failures
        ],
    }
