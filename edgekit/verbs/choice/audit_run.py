"""``audit-run``: a second opinion on a stored measurement, taken on the same device from the same file.

MLPerf's auditors call a result materially different when a repeated run misses it by 2 %; the same bound holds here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

from ...agent.providers import PROVIDERS
from ...artifacts.store import artifact_folders, check_files, read_manifest
from ...base.progress import PartDone, Progress, silent
from ...base.stats import MIN_PAIRS
from ...bench.paired import ratio_of_logs
from ...bench.session import Limits, Session
from ...devices.inventory import find_device
from ...devices.quarantine import admit
from ...devices.reach import reach
from ...errors import EdgekitError, NotComparableError, UsageError
from ...reports.compared.comparable import Difference, differences
from ...reports.compared.compare import BUSY_SHARE, Side
from ...reports.indexed.reader import read_latest
from ...types import Measurement, Ratio, Stored
from ...types.commands import is_export
from ..compare import find_measurement

WITHIN = 0.02
LAUNCHES = 8
Opinion = Literal["agrees", "differs", "inconclusive", "not comparable"]
EXIT_CODES: dict[Opinion, int] = {"agrees": 0, "differs": 1, "inconclusive": 4, "not comparable": 5}


@dataclass(frozen=True)
class Audited:
    """What a repeated run shows about a report.

    Attributes:
        reported: the measurement in question.
        launches: fresh processes now, in order.
        ratio: the latency now over the reported median, with the interval from the launches.
        within: the largest difference that counts as none, as a share.
        differences: conditions that differ from the reported ones.
    """

    reported: Measurement
    launches: tuple[Measurement, ...]
    ratio: Ratio
    within: float
    differences: tuple[Difference, ...]

    @property
    def now(self) -> Side:
        """The launches as one side of a comparison."""
        return Side(self.launches[0], self.launches)

    @property
    def opinion(self) -> Opinion:
        """``agrees`` and ``differs`` need the whole interval within, or beyond, the bound."""
        if self.differences:
            return "not comparable"
        if self.now.busy > BUSY_SHARE * len(self.launches):
            return "inconclusive"
        low, high = 1 / (1 + self.within), 1 + self.within
        if low <= self.ratio.low and self.ratio.high <= high:
            return "agrees"
        return "differs" if self.ratio.high < low or self.ratio.low > high else "inconclusive"


def audit_run(
    name: str,
    *,
    device: str | None = None,
    within: float = WITHIN,
    launches: int = LAUNCHES,
    artifacts: Path = Path("artifacts"),
    reports: Path = Path("device_reports"),
    limits: Limits | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Audited:
    """Measure a report's artifact again, the way it was measured, in fresh processes.

    Args:
        name: of the report: its file, or its key in the store.
        device: where to measure; the report's own device when None.
        within: the largest difference that counts as none, as a share.
        launches: fresh processes.
        artifacts: holds the artifact.
        reports: the store.
        limits: of each launch; those of a measurement to be kept when None.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: no such report or device, the artifact is not here, or wrong numbers.
        NotComparableError: the report is of an emulated device, or the device is.
        ToolError: the device failed.
    """
    if launches < MIN_PAIRS:
        raise UsageError(f"--launches must be at least {MIN_PAIRS}, got {launches}", "fewer give no interval")
    if not 0 < within < 1:
        raise UsageError(f"--within takes a share between 0 and 1, got {within:g}", "0.02 is 2 %")
    reported = find_measurement(name, reports, device, cache(partial(read_latest, reports, progress)))
    place = find_device(device or reported.device.id)
    if reported.emulated or place.transport == "virtual":
        raise NotComparableError(
            f"{name} is of {reported.device.id}, which is emulated: its latency means nothing"
            if reported.emulated
            else f"{place.id} is emulated: its latency means nothing",
            "audit a report of the board itself, there",
        )
    stored = same_file(reported, artifacts)
    admit(place, force, progress)
    with reach(place, progress) as transport:
        session = Session(
            transport,
            place,
            threads=reported.threads,
            accelerator=reported.accelerator,
            provider=provider_of(reported),
            cores=None if reported.pinned is None else reported.pinned.asked,
            limits=limits or Limits(),
            batch=None if stored.artifact.batch is not None else reported.batch,
        )
        taken = []
        for number in range(1, launches + 1):
            taken.append(session.latency(stored, progress))
            progress(PartDone("launch", done=number, total=launches))
    logs = [math.log(launch.p50_ms / reported.p50_ms) for launch in taken]
    return Audited(reported, tuple(taken), ratio_of_logs(logs), within, tuple(differences(reported, taken[0])))


def same_file(reported: Measurement, root: Path) -> Stored:
    """The artifact that was measured, by its digest.

    Raises:
        UsageError: it is not under ``root``, or it was changed.
    """
    found = []
    for folder in artifact_folders(root) if root.is_dir() else ():
        try:
            stored = read_manifest(folder)
        except EdgekitError:
            continue  # somebody else's folder, or a damaged one: not the one we look for
        if stored.artifact.sha256 == reported.artifact_sha256:
            found.append(stored)
    if not found:
        raise UsageError(
            f"the file that was measured is not under {root}: {reported.model} {reported.profile}, sha256 "
            f"{reported.artifact_sha256[:12]}",
            reported.export_command
            if is_export(reported.export_command)
            else "get the very file that the report names; --artifacts says where it is",
        )
    check_files(found[0])
    return found[0]


def provider_of(m: Measurement) -> str | None:
    """The execution provider that a measurement was made with, by its short name; None on the CPU."""
    used = m.settings.get("execution_provider")
    return (
        next((key for key, one in PROVIDERS.items() if one["name"] == used), None) if m.accelerator != "cpu" else None
    )
