"""The verb ``gate`` on a simulated board: candidates against baselines, by the instructions that they execute."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from ... import __version__
from ...artifacts.find import find_artifacts
from ...artifacts.store import check_files
from ...base.files import check_writable, write_atomic
from ...base.inside import inside
from ...base.progress import Progress, Step, silent, telling
from ...counting.count import count
from ...counting.emulator import Ready, prepare
from ...counting.kept import count_once, remember
from ...devices.inventory import find_device
from ...devices.virtual.simulated import SIMULATED
from ...errors import EdgekitError, UsageError
from ...gate.accuracy import accuracy_status
from ...gate.baselines import find_baseline
from ...gate.config import read_config
from ...gate.counts import TOLERANCE, instructions_kept, judge
from ...gate.file_limits import FileLimits, broken_limits
from ...reports.counted.store import count_path, load_count
from ...reports.json_text import render
from ...types import Counted, CountGate, Device, Stored, report_key
from ...verify.sets_of_inputs import Shapes

REPORTS = Path("device_reports")
NO_LIMITS = FileLimits()


@dataclass(frozen=True)
class PlannedCount:
    """One gate before it runs: a baseline that was counted before, or one that is counted now."""

    device: Device
    candidate: Stored
    baseline: Counted | Stored
    where: Path
    tolerance: float
    threads: int
    max_drop: float | None = None
    max_instructions_m: float | None = None
    file_limits: FileLimits = NO_LIMITS

    @property
    def key(self) -> str:
        """As that of a measurement."""
        artifact = self.candidate.artifact
        return key_of(self.candidate, self.threads, artifact.batch or 1)


def key_of(stored: Stored, threads: int, batch: int) -> str:
    """The key of an artifact's counts."""
    artifact = stored.artifact
    return report_key(artifact.model, artifact.profile, artifact.runtime, "cpu", threads, None, batch)


def plan_counts(
    names: Sequence[str],
    devices: Sequence[str],
    *,
    baseline: Path = REPORTS,
    threads: int = 1,
    tolerance: float | None = None,
    config: Path | None = None,
    artifacts_root: Path = Path("artifacts"),
    shapes: Shapes | None = None,
) -> list[PlannedCount]:
    """The gates of a run: every candidate on every simulated board. Nothing is counted.

    Args:
        names: artifact folders, model files, or model ids; none means all under ``artifacts_root``.
        devices: simulated boards.
        baseline: folder of reports with counts, one artifact, or a folder of artifacts.
        threads: within an operator.
        tolerance: growth that passes; that of the board's own table in ``config``, else :data:`TOLERANCE`, when None.
        config: a ``gate.toml``; the one here, if there is one, when None.
        artifacts_root: holds the candidates.
        shapes: of inputs that a foreign model file leaves open.

    Raises:
        UsageError: an unknown name or key, a tolerance that is none, or no baseline.
    """
    planned = []
    candidates = find_artifacts(names, artifacts_root, shapes=shapes)
    settings = read_config(config, {stored.artifact.model for stored in candidates})
    for place in [find_device(name) for name in dict.fromkeys(devices)]:
        for stored in candidates:
            model = stored.artifact.model
            key = key_of(stored, threads, stored.artifact.batch or 1)
            found, where = baseline_of(baseline, stored, place.id, key)
            keys = settings.lookup(place.id, model)
            # The other tables hold tolerances for latencies, which vary a thousand times more than counts.
            own = settings.of_device(place.id, model).get("tolerance")
            chosen = tolerance if tolerance is not None else own if own is not None else TOLERANCE
            if not 0 < chosen < 1:
                raise UsageError(f"--tolerance must be above 0 and below 1, got {chosen:g}", "0.005 is 0.5 %")
            of_file = FileLimits(**{one.name: keys.get(one.name) for one in fields(FileLimits)})
            drop, most = keys.get("max_drop"), keys.get("max_instructions_m")
            planned.append(PlannedCount(place, stored, found, where, chosen, threads, drop, most, of_file))
    return planned


def baseline_of(root: Path, stored: Stored, device: str, key: str) -> tuple[Counted | Stored, Path]:
    """The stored counts, else the artifact to count; and where they are.

    Raises:
        UsageError: there is neither.
    """
    path = count_path(root, device, key)
    if path.is_file():
        return load_count(path), path
    try:
        found = find_baseline(root, stored.artifact, device, key).stored
    except UsageError as error:
        raise UsageError(
            f"no baseline of {key} for {device} under {root}",
            f"--baseline FOLDER of the baseline's artifacts; or count the good one: edgekit gate --update "
            f"{stored.artifact.model} --device {device}",
        ) from error
    return found, found.folder


def gate_counts(
    planned: Sequence[PlannedCount], *, results_root: Path = Path("gate_results"), progress: Progress = silent
) -> list[CountGate]:
    """Run gates; each result is kept in ``<results_root>/<device>/<time>__<key>.json``.

    Raises:
        ToolError: this machine cannot count, or ``results_root`` cannot be written.
    """
    check_writable(results_root, "--results")
    boards = {one.device.id: prepare(SIMULATED[one.device.id], progress) for one in planned}
    results = []
    for number, one in enumerate(planned, 1):
        label = f"{number}/{len(planned)} {one.candidate.artifact.model}/{one.candidate.artifact.profile}"
        result = run_one(one, boards[one.device.id], telling(f"{label} on {one.device.id}", progress))
        stamp = datetime.now(UTC)
        name = f"{stamp:%Y%m%dT%H%M%S%f}__{result.key}.json"
        path = inside(results_root, result.device.id, name, field="the path of a result")
        write_atomic(path, render(result.to_plain()) + "\n", "--results")
        results.append(result)
    return results


def both_counts(one: PlannedCount, board: Ready, progress: Progress) -> tuple[Counted, Counted]:
    """Of the baseline and of the candidate; no file is counted more often than it takes.

    The candidate's is kept: when it is the baseline of a later gate, with the same runtime, it need not be counted.

    Raises:
        ToolError: the counting did not end.
    """
    after = count(one.candidate, board, threads=one.threads, progress=telling("candidate", progress))
    if one.threads == 1:
        remember(after, one.candidate, board)
    if isinstance(one.baseline, Counted):
        return one.baseline, after
    if one.baseline.artifact.sha256 == one.candidate.artifact.sha256:
        return after, after
    told = telling("baseline", progress)
    if one.threads == 1:
        return count_once(one.baseline, board, told), after
    return count(one.baseline, board, threads=one.threads, repeat=False, progress=told), after


def run_one(one: PlannedCount, board: Ready, progress: Progress) -> CountGate:
    """One gate: the baseline is counted once at most, the candidate twice, which tells the noise."""
    artifact, began = one.candidate.artifact, time.monotonic()
    draft = CountGate(
        model=artifact.model,
        profile=artifact.profile,
        runtime=artifact.runtime,
        threads=one.threads,
        batch=artifact.batch or 1,
        device=one.device,
        status="BROKEN_OFF",
        reason="the counting did not end",
        tolerance=one.tolerance,
        baseline_path=str(one.where),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        edgekit_version=__version__,
    )
    progress(Step("checking the files"))
    try:
        check_files(one.candidate)
        if isinstance(one.baseline, Stored):
            check_files(one.baseline)
    except UsageError as error:
        return draft.model_copy(update={"status": "INVALID", "reason": str(error)})
    size_before = one.baseline.artifact_bytes if isinstance(one.baseline, Counted) else one.baseline.artifact.size_bytes
    if broken := broken_limits(artifact, size_before, one.file_limits):
        return draft.model_copy(update={"status": "FAIL", "reason": "; ".join(broken), "decided_by": "file"})
    if one.max_drop is not None:
        status, reason = accuracy_status(one.candidate, one.max_drop)
        if status != "PASS":
            return draft.model_copy(update={"status": status, "reason": reason, "decided_by": "accuracy"})
        draft = draft.model_copy(update={"notes": (*draft.notes, reason)})
    try:
        before, after = both_counts(one, board, progress)
    except EdgekitError as error:
        notes = (f"try: {error.hint}",) if error.hint else ()
        return draft.model_copy(update={"reason": str(error), "notes": notes})
    judged = judge(before, after, one.tolerance)
    above = instructions_kept(after, one.max_instructions_m)
    told: dict[str, object] = {
        "status": judged.status,
        "reason": judged.reason,
        "noise": judged.noise,
        "baseline": before,
        "candidate": after,
        "seconds": time.monotonic() - began,
    }
    if above and judged.status != "FAIL":
        told |= {
            "status": "FAIL",
            "reason": above,
            "decided_by": "instructions",
            "notes": (judged.reason, *draft.notes),
        }
    return draft.model_copy(update=told)
