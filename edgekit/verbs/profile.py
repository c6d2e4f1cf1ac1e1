"""The verb ``profile``: measure artifacts on a device and keep the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..agent.providers import PROVIDERS
from ..artifacts.device_parity import checked
from ..artifacts.find import ExportMissing, find_artifacts
from ..artifacts.store import check_files
from ..base.files import check_writable
from ..base.inside import inside
from ..base.progress import JobEnded, Progress, Step, silent, telling
from ..base.revision import revision
from ..bench.asked_cores import known_cores
from ..bench.attained import measure_ceilings, position
from ..bench.cool_down import CoolDown
from ..bench.rounds import merge
from ..bench.session import EMULATED, Limits, Session
from ..devices.inventory import find_device
from ..devices.quarantine import admit
from ..devices.reach import reach
from ..devices.target import warn_of_mismatches
from ..errors import EdgekitError, ToolError, UsageError, VerificationError, did_you_mean
from ..reports.store import load, save
from ..types import RUNTIME_OF, Accelerator, Measurement, Runtime, Stored
from ..verify.sets_of_inputs import Shapes


@dataclass(frozen=True)
class Failure:
    """An artifact that could not be measured, and why."""

    artifact: str
    error: EdgekitError


@dataclass
class Profiled:
    """What came of a run: measurements with the files that keep them, failures, and how many a resumed run left out."""

    measurements: list[Measurement] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0

    def raise_failures(self) -> None:
        """End the run the way it went.

        Raises:
            EdgekitError: the failure itself when the run had one artifact.
            UsageError: each failed for a wrong argument or a damaged file.
            ToolError: some of several artifacts failed; the message names them.
        """
        if not self.failures:
            return
        if len(self.failures) == 1 and not self.measurements:
            raise self.failures[0].error
        count = len(self.failures) + len(self.measurements)
        lines = "\n".join(f"  {f.artifact}: {f.error}" for f in self.failures)
        hints = dict.fromkeys(f.error.hint for f in self.failures if f.error.hint)
        wrong = not self.measurements and all(isinstance(f.error, UsageError) for f in self.failures)
        kind = UsageError if wrong else ToolError
        raise kind(f"{len(self.failures)} of {count} artifacts could not be measured:\n{lines}", "\n".join(hints))


def profile(
    names: Sequence[str],
    device: str = "local",
    runtime: str | None = None,
    *,
    threads: Sequence[int] = (1,),
    accelerator: Accelerator = "cpu",
    provider: str | None = None,
    cores: str | None = None,
    require_full_delegation: bool = False,
    per_op: bool = False,
    sustained_s: float | None = None,
    streams: Sequence[int] = (),
    rounds: int = 1,
    roofline: bool = False,
    batch: int | None = None,
    shapes: Shapes | None = None,
    artifacts_root: Path = Path("artifacts"),
    reports_root: Path = Path("device_reports"),
    export_missing: ExportMissing | None = None,
    limits: Limits | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Profiled:
    """Measure each artifact that ``names`` mean; each report is written as soon as it is known.

    One artifact that fails does not stop the others; :meth:`Profiled.raise_failures` ends the run.

    Args:
        names: artifact folders, model files, model ids or aliases; none means all under ``artifacts_root``.
        device: name of the device to measure on.
        runtime: measure only what this runtime executes.
        threads: within an operator; each count is a measurement of its own.
        accelerator: what shall compute.
        provider: of ONNX Runtime's execution providers for it, by a name of :func:`known_provider`; measures what ONNX
            Runtime executes. The first that is there when None.
        cores: keep the work on ``big``, ``little`` or numbered cores ("2,3"); the system places it when None.
        require_full_delegation: an artifact of which something stays outside the delegate fails.
        per_op: also time every operator, in a launch of its own.
        sustained_s: also run for so long without a pause, in a launch of its own.
        streams: also count the inferences a second of so many streams at once, in a launch of its own each.
        rounds: launches of each; all artifacts take turns, and what is measured once is measured in the first round.
        roofline: also measure what the device can do at most, and where each artifact stands below it.
        batch: images of one inference; an artifact whose batch is fixed to another number fails.
        shapes: of inputs that a foreign model file leaves open.
        artifacts_root: holds ``<model>/<profile>/manifest.json``.
        reports_root: gets ``<device>/<key>.json``.
        export_missing: makes the artifacts of a model id that has none.
        limits: how long to look; those of a measurement to be kept when None.
        resume: leave out what has a report of the same file on this device already.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown device, runtime, provider, name or kind of cores, or nothing to measure.
        ToolError: the device is quarantined, cannot be reached or is in use, or the reports cannot be written.
    """
    place = find_device(device)
    admit(place, force, progress)
    check_counts(rounds, threads, streams, accelerator)
    cores = known_cores(cores)
    provider = known_provider(provider, accelerator, runtime)
    chosen = known_runtime(runtime) if provider is None else "onnxruntime"
    check_writable(inside(reports_root, place.id, field="the device's name"), "--reports")
    stored = find_artifacts(names, artifacts_root, chosen, export_missing, shapes)
    limits = limits or (EMULATED if place.transport == "virtual" else Limits())
    warn_of_mismatches((one.artifact for one in stored), place, progress)
    outcome = Profiled()
    project = revision(Path.cwd(), besides=reports_root)
    with reach(place, progress) as transport:
        cooler = None if place.transport == "virtual" else CoolDown(transport)  # nothing there gets warm
        # One artifact's thread counts follow each other, so that what a slow drift does to one it does to all.
        tasks = [(one, count) for one in stored for count in dict.fromkeys(threads)]
        if resume:
            there = measured(inside(reports_root, place.id, field="the device's name"), provider)
            left = [
                (one, count)
                for one, count in tasks
                if (one.artifact.sha256, accelerator, count, cores, one.artifact.batch or batch or 1) not in there
            ]
            tasks, outcome.skipped = left, len(tasks) - len(left)
        limits_of = {
            c: measure_ceilings(transport, place, c, progress, cores) for c in dict.fromkeys(threads) if roofline
        }
        sessions = [
            Session(
                transport,
                place,
                threads=count,
                accelerator=accelerator,
                provider=provider,
                cores=cores,
                per_op=per_op,
                sustained_s=sustained_s,
                streams=tuple(dict.fromkeys(streams)),
                limits=limits,
                batch=batch,
            )
            for _, count in tasks
        ]
        taken: dict[int, list[Measurement]] = {number: [] for number in range(len(tasks))}
        ended, jobs = 0, len(tasks) * rounds
        for turn in range(1, rounds + 1):
            for number in list(taken):
                (one, count), session = tasks[number], sessions[number]
                label = f"{one.artifact.model}/{one.artifact.profile}" + (f" t{count}" if len(threads) > 1 else "")
                where = f"{number + 1}/{len(tasks)}" + (f" round {turn}/{rounds}" if rounds > 1 else "")
                here = telling(f"{where} {label}", progress)
                ended += 1
                try:
                    if cooler is not None:
                        cooler.wait(here)
                    if turn == 1:
                        taken[number].append(measure(one, session, here))
                        if require_full_delegation:
                            refuse_partial(taken[number][0])
                    else:
                        taken[number].append(session.latency(one, here, energy=True))
                    last = taken[number][-1]
                    told = f"p50 {last.p50_ms:.3g} ms, {last.verdict.name}"
                    progress(JobEnded(told, (label,), ended, jobs))
                    if turn < rounds:
                        continue
                    measurement = merge(taken[number]).model_copy(update={"revision": project})
                    if roofline:
                        measurement = position(measurement, one.artifact, limits_of[count])
                    outcome.reports.append(save(reports_root, measurement))
                    outcome.measurements.append(measurement)
                except EdgekitError as error:
                    del taken[number]
                    outcome.failures.append(Failure(label, error))
                    ended += rounds - turn
                    progress(JobEnded(f"failed: {error}", (label,), ended, jobs))
    return outcome


def check_counts(rounds: int, threads: Sequence[int], streams: Sequence[int], accelerator: Accelerator) -> None:
    """Make sure that there is something to measure.

    Raises:
        UsageError: a number is below one, or streams are asked for where none can be.
    """
    if rounds < 1:
        raise UsageError(f"--rounds must be at least 1, got {rounds}")
    if not threads or min(threads) < 1:
        raise UsageError(f"--threads must be at least 1, got {min(threads, default='none')}")
    if min(streams, default=1) < 1:
        raise UsageError(f"--streams must be at least 1, got {min(streams)}")
    if streams and accelerator != "cpu":
        raise UsageError(f"--streams are measured on the CPU, not on the {accelerator}", "leave --accelerator out")


def check_batch(stored: Stored, batch: int) -> None:
    """Make sure that an artifact takes so many images.

    Raises:
        UsageError: it is fixed to another number.
    """
    artifact = stored.artifact
    if artifact.batch not in (None, batch):
        raise UsageError(
            f"{artifact.model} {artifact.profile} takes {artifact.batch} image(s) an inference, not {batch}",
            f"export it with --batch {batch}, or with --batch dynamic (ONNX, OpenVINO)",
        )


def refuse_partial(m: Measurement) -> None:
    """Make sure that the delegate has taken everything.

    Raises:
        VerificationError: it has not; the message says what stays outside, and why where that is known.
    """
    found = m.delegation
    if found is None or found.share == 1:
        return
    outside = [f"{count} {kind}" for kind, count in found.undelegated.items()]
    raise VerificationError(
        f"{found.name} takes {found.share:.1%} of the operators of {m.model} {m.profile}; outside stays: "
        f"{'; '.join([*outside, *found.reasons]) or 'it does not say what'}",
        "export another form of it (edgekit tune), or leave --require-full-delegation out",
    )


def measured(folder: Path, provider: str | None = None) -> set[tuple[str, str, int, str | None, int]]:
    """Digest, accelerator, thread count, cores asked for and batch of what has a report in the folder of a device.

    With an execution provider those alone that were measured on it.

    Raises:
        UsageError: a file there is not a report.
    """
    reports = map(load, sorted(folder.glob("*.json")))
    return {
        (m.artifact_sha256, m.accelerator, m.threads, m.pinned.asked if m.pinned else None, m.batch)
        for m in reports
        if provider is None or m.settings.get("execution_provider") == PROVIDERS[provider]["name"]
    }


def measure(stored: Stored, session: Session, progress: Progress) -> Measurement:
    """Measure one artifact after making sure that it is the one that was verified, and compare its outputs there."""
    progress(Step("checking the files"))
    check_files(stored)
    if session.batch is not None:
        check_batch(stored, session.batch)
    return checked(stored, session, session.measure, progress)


def known_runtime(name: str | None) -> Runtime | None:
    """``name`` as a runtime.

    Raises:
        UsageError: there is no runtime of that name.
    """
    for runtime in RUNTIME_OF.values():
        if name == runtime:
            return runtime
    if name is None:
        return None
    raise UsageError(f"unknown runtime {name!r}", did_you_mean(name, RUNTIME_OF.values()))


def known_provider(text: str | None, accelerator: Accelerator, runtime: str | None) -> str | None:
    """An execution provider of ONNX Runtime by its short name, or by ONNX Runtime's own; None stays None.

    Raises:
        UsageError: there is none of that name for the accelerator, or another runtime shall measure.
    """
    if text is None:
        return None
    able = {key: str(one["name"]) for key, one in PROVIDERS.items() if accelerator in one}
    if not able:
        raise UsageError(f"--provider {text} needs an accelerator", "add --accelerator gpu, or npu")
    if runtime not in (None, "onnxruntime"):
        raise UsageError(f"--provider {text} is of ONNX Runtime, not of {runtime}", "leave --runtime or --provider out")
    for key, name in able.items():
        if text.lower() in (key, name.lower()):
            return key
    raise UsageError(
        f"unknown execution provider {text!r} for the {accelerator.upper()}; there are {', '.join(able)}",
        did_you_mean(text, able),
    )
