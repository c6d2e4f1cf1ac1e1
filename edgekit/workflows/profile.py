"""The verb ``profile``: measure artifacts on a device and keep the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..bench.session import EMULATED, Limits, Session
from ..devices.inventory import find_device
from ..errors import EdgekitError, ToolError, UsageError, did_you_mean
from ..reports.store import save
from ..types import RUNTIME_OF, Measurement, Runtime
from .artifacts import ExportMissing, Stored, check_files, find_artifacts
from .device_parity import check_outputs
from .reach import reach
from .revision import revision
from .roofline import measure_ceilings, position


@dataclass(frozen=True)
class Failure:
    """An artifact that could not be measured, and why."""

    artifact: str
    error: EdgekitError


@dataclass
class Profiled:
    """What came of a run: measurements with the files that keep them, and failures."""

    measurements: list[Measurement] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def raise_failures(self) -> None:
        """End the run the way it went.

        Raises:
            EdgekitError: the failure itself when the run had one artifact.
            ToolError: some of several artifacts failed; the message names them.
        """
        if not self.failures:
            return
        if len(self.failures) == 1 and not self.measurements:
            raise self.failures[0].error
        count = len(self.failures) + len(self.measurements)
        lines = "\n".join(f"  {f.artifact}: {f.error}" for f in self.failures)
        hints = dict.fromkeys(f.error.hint for f in self.failures if f.error.hint)
        raise ToolError(f"{len(self.failures)} of {count} artifacts could not be measured:\n{lines}", "\n".join(hints))


def profile(
    names: Sequence[str],
    device: str = "local",
    runtime: str | None = None,
    *,
    threads: int = 1,
    per_op: bool = False,
    roofline: bool = False,
    artifacts_root: Path = Path("artifacts"),
    reports_root: Path = Path("device_reports"),
    export_missing: ExportMissing | None = None,
    limits: Limits | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Profiled:
    """Measure each artifact that ``names`` mean; each report is written as soon as it is known.

    One artifact that fails does not stop the others; :meth:`Profiled.raise_failures` ends the run.

    Args:
        names: artifact folders, model files, model ids or aliases; none means all under ``artifacts_root``.
        device: name of the device to measure on.
        runtime: measure only what this runtime executes.
        threads: within an operator.
        per_op: also time every operator, in a launch of its own.
        roofline: also measure what the device can do at most, and where each artifact stands below it.
        artifacts_root: holds ``<model>/<profile>/manifest.json``.
        reports_root: gets ``<device>/<key>.json``.
        export_missing: makes the artifacts of a model id that has none.
        limits: how long to look; those of a measurement to be kept when None.
        on_step: told what begins, in words.

    Raises:
        UsageError: an unknown device, runtime or name, or nothing to measure.
        ToolError: the device cannot be reached or is in use.
    """
    step = on_step or (lambda _: None)
    place = find_device(device)
    if threads < 1:
        raise UsageError(f"--threads must be at least 1, got {threads}")
    stored = find_artifacts(names, artifacts_root, known_runtime(runtime), export_missing)
    limits = limits or (EMULATED if place.transport == "virtual" else Limits())
    outcome = Profiled()
    project = revision(Path.cwd(), besides=reports_root)
    with reach(place, step) as transport:
        session = Session(transport, place, threads=threads, per_op=per_op, limits=limits)
        limit = measure_ceilings(transport, place, threads, step) if roofline else None
        for number, one in enumerate(stored, 1):
            label = f"{one.artifact.model}/{one.artifact.profile}"
            try:
                measurement = measure(one, session, prefixed(f"{number}/{len(stored)} {label}", step))
                measurement = measurement.model_copy(update={"revision": project})
                if limit is not None:
                    measurement = position(measurement, one.artifact, limit)
                outcome.reports.append(save(reports_root, measurement))
                outcome.measurements.append(measurement)
            except EdgekitError as error:
                outcome.failures.append(Failure(label, error))
                step(f"{label}: failed: {error}")
    return outcome


def measure(stored: Stored, session: Session, step: Callable[[str], None]) -> Measurement:
    """Measure one artifact after making sure that it is the one that was verified, and compare its outputs there."""
    step("checking the files")
    check_files(stored)
    return check_outputs(stored, session, session.measure(stored.artifact, stored.folder, step), step)


def prefixed(label: str, step: Callable[[str], None]) -> Callable[[str], None]:
    """``step`` for one artifact: its texts begin with ``label``."""
    return lambda text: step(f"{label}: {text}")


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
