"""``pick --measure``: measure the artifacts that have no measurement on a device, as many as a time budget allows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...artifacts.find import find_artifacts
from ...base.inside import inside
from ...base.progress import Event, JobEnded, Progress, silent
from ...devices.inventory import find_device
from ...errors import EdgekitError, NotComparableError, UsageError
from ...reports.brief.asks import ESTIMATE
from ...types import Stored
from ..profile import Failure, measured, profile

GUESS_S = 6.0
"""Assumed length of a measurement until the first one has been made."""


@dataclass(frozen=True)
class Filled:
    """The measurements, the failures, and the artifacts still missing because the time was up."""

    measured: tuple[str, ...]
    failures: tuple[Failure, ...]
    left: tuple[str, ...]


def fill(
    device: str,
    budget_s: float,
    names: Sequence[str] = (),
    *,
    threads: int = 1,
    artifacts: Path = Path("artifacts"),
    reports: Path = Path("device_reports"),
    force: bool = False,
    progress: Progress = silent,
) -> Filled:
    """Measure what has no report of the same file on the device, the smallest files first.

    Args:
        device: where to measure.
        budget_s: a measurement that would probably end later does not begin.
        names: artifacts or models; all under ``artifacts`` when none.
        threads: within an operator.
        artifacts: holds ``<model>/<profile>/manifest.json``.
        reports: the store.
        force: measure even on a quarantined device.
        progress: receives an event as each one ends.

    Raises:
        UsageError: an unknown name or device, nothing exported, or a budget of no time.
        NotComparableError: the device is emulated.
        ToolError: the device cannot be reached.
    """
    if budget_s <= 0:
        raise UsageError(f"--budget must be above 0, got {budget_s:g} s")
    place = find_device(device)
    if place.transport == "virtual":
        raise NotComparableError(f"{device} is emulated: nothing can be chosen there", ESTIMATE)
    known = measured(inside(reports, place.id, field="the device's name"))
    asked = find_artifacts(names, artifacts)
    missing = [
        one for one in asked if (one.artifact.sha256, "cpu", threads, None, one.artifact.batch or 1) not in known
    ]
    missing.sort(key=lambda one: one.artifact.size_bytes)
    begin, done, failures = time.monotonic(), list[str](), list[Failure]()
    for number, one in enumerate(missing):
        spent = time.monotonic() - begin
        if spent + (spent / number if number else GUESS_S) > budget_s:
            return Filled(tuple(done), tuple(failures), tuple(map(label, missing[number:])))
        failed = measure(one, device, threads, artifacts, reports, force, progress)
        if failed is None:
            done.append(label(one))
        else:
            failures.append(failed)
        told = "measured" if failed is None else f"failed: {failed.error}"
        progress(JobEnded(told, (label(one),), number + 1, len(missing)))
    return Filled(tuple(done), tuple(failures), ())


def measure(
    one: Stored, device: str, threads: int, artifacts: Path, reports: Path, force: bool, progress: Progress
) -> Failure | None:
    """Measure an artifact; the failure if it cannot be measured."""

    def inner(event: Event) -> None:
        """Its own count of one is no news."""
        if not isinstance(event, JobEnded):
            progress(event)

    try:
        done = profile(
            [str(one.folder)],
            device,
            threads=(threads,),
            artifacts_root=artifacts,
            reports_root=reports,
            force=force,
            progress=inner,
        )
    except EdgekitError as error:
        if isinstance(error, UsageError):
            raise
        return Failure(label(one), error)
    return done.failures[0] if done.failures else None


def label(one: Stored) -> str:
    """Model and profile."""
    return f"{one.artifact.model}/{one.artifact.profile}"
