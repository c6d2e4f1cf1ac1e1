"""The verb ``gate``: candidates against their pinned baselines, on devices; passing needs proof, failing too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..artifacts.find import find_artifacts
from ..artifacts.store import check_files
from ..base.fetched.download import require_safe
from ..base.files import check_writable, restore, write_atomic
from ..base.inside import inside
from ..base.progress import JobEnded, Progress, Step, silent, telling
from ..bench.asked_cores import known_cores
from ..bench.session import EMULATED, Limits, Session
from ..devices.inventory import find_device
from ..devices.quarantine import admit
from ..devices.reach import reach
from ..devices.ssh_errors import DeviceError
from ..errors import EdgekitError, UsageError
from ..gate.accuracy import accuracy_status
from ..gate.baselines import Found, check_pin_place, find_baseline, pin, pin_folder
from ..gate.config import read_config, rule_for
from ..gate.engine import BROKEN, operator_changes, run_gate, settle
from ..gate.file_limits import FileLimits, another_network, broken_limits
from ..gate.guards import Guards
from ..gate.measured_limits import NO_MEASURED_LIMITS, MeasuredLimits, limited, memory_judged
from ..gate.pairs import Pairing, Role
from ..reports.json_text import render
from ..types import Artifact, Audit, Device, GateResult, GateRule, Stored, report_key
from ..verify.sets_of_inputs import Shapes

REPORTS = Path("device_reports")
NO_LIMITS = FileLimits()
LAUNCH_S = 1.5
"""Rough time to start a process, import a runtime and load a model; for plans only."""


@dataclass(frozen=True)
class Planned:
    """One gate before it runs."""

    device: Device
    candidate: Stored
    baseline: Found
    rule: GateRule
    limits: Limits
    guards: Guards
    threads: int
    cores: str | None = None
    max_drop: float | None = None
    file_limits: FileLimits = NO_LIMITS
    measured_limits: MeasuredLimits = NO_MEASURED_LIMITS

    @property
    def key(self) -> str:
        """As that of a measurement."""
        return key_of(self.candidate.artifact, self.threads, self.cores)

    def seconds(self, pairs: int) -> float:
        """About how long a number of pairs takes when the device is quiet."""
        return pairs * (2 * (LAUNCH_S + self.limits.warmup_min_s + self.limits.min_s) + LAUNCH_S / 2)


def plan(
    names: Sequence[str],
    devices: Sequence[str] = ("local",),
    *,
    baseline: Path = REPORTS,
    threads: int = 1,
    cores: str | None = None,
    tolerance: float | None = None,
    delta: float | None = None,
    config: Path | None = None,
    artifacts_root: Path = Path("artifacts"),
    shapes: Shapes | None = None,
    limits: Limits | None = None,
) -> list[Planned]:
    """The gates of a run: every candidate on every device. It measures nothing and contacts no device.

    Args:
        names: artifact folders, model files, or model ids; none means all under ``artifacts_root``.
        devices: where to measure.
        baseline: folder of reports with pins, one artifact, or a folder of artifacts.
        threads: within an operator.
        cores: the cores that both sides are pinned to: ``big``, ``little`` or numbers by commas; None for any core.
        tolerance: wins over that of ``config``.
        delta: the same.
        config: a ``gate.toml``; the one here, if there is one, when None.
        artifacts_root: holds the candidates.
        shapes: of inputs that a foreign model file leaves open.
        limits: of each launch; those of the configuration when None.

    Raises:
        UsageError: an unknown name, device, key or kind of cores, no baseline, or one that was changed by hand.
        ToolError: a baseline cannot be fetched.
    """
    places = [find_device(name) for name in dict.fromkeys(devices)]
    if threads < 1:
        raise UsageError(f"--threads must be at least 1, got {threads}")
    cores = known_cores(cores)
    candidates = find_artifacts(names, artifacts_root, shapes=shapes)
    settings = read_config(config, {stored.artifact.model for stored in candidates})
    planned = []
    for place in places:
        for stored in candidates:
            rule, chosen, guards = rule_for(settings, place, stored.artifact.model, tolerance, delta)
            chosen = limits or (EMULATED if place.transport == "virtual" else chosen)
            artifact = stored.artifact
            key = key_of(artifact, threads, cores)
            found = find_baseline(baseline, artifact, place.id, key)
            keys = settings.lookup(place.id, artifact.model)
            of_file = FileLimits(**{one.name: keys.get(one.name) for one in fields(FileLimits)})
            measured = MeasuredLimits.of_keys(keys)
            drop = keys.get("max_drop")
            planned.append(Planned(place, stored, found, rule, chosen, guards, threads, cores, drop, of_file, measured))
    return planned


def gate(
    planned: Sequence[Planned],
    *,
    results_root: Path = Path("gate_results"),
    plumbing: bool = False,
    seed: int | None = None,
    handicap: dict[str, int | bool] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> list[GateResult]:
    """Run gates, device by device, then correct over all of them; each result is kept in a file as it grows.

    Args:
        planned: the gates.
        results_root: gets ``<device>/<time>__<key>.json``; no run replaces the files of another.
        plumbing: run one pair on an emulated device too; the result is NOT_COMPARABLE all the same.
        seed: of the order of the sides; drawn when None.
        handicap: slows the candidate on purpose, to test the gate; see the agent's ``bench``.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        ToolError: ``results_root`` cannot be written.
    """
    check_writable(results_root, "--results")
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    stamp = datetime.now(UTC)
    drafts = [draft_of(one, len(planned), seed + number, stamp, handicap or {}) for number, one in enumerate(planned)]
    paths = [new_path(results_root, draft, stamp) for draft in drafts]
    results = list(drafts)
    for device in dict.fromkeys(one.device for one in planned):
        mine = [number for number, one in enumerate(planned) if one.device == device]
        try:
            admit(device, force, progress)
            with reach(device, progress, resumes=False) as transport:
                for number in mine:
                    one = planned[number]
                    session = Session(transport, device, threads=one.threads, cores=one.cores, limits=one.limits)
                    results[number] = run_one(one, drafts[number], session, plumbing, paths[number], progress)
                    status = results[number].status
                    about = (f"{one.candidate.artifact.model}/{one.candidate.artifact.profile} on {device.id}",)
                    done = sum(result is not draft for result, draft in zip(results, drafts, strict=True))
                    progress(JobEnded(f"{status} before the correction over all", about, done, len(planned)))
        except EdgekitError as error:  # the device cannot be reached, or was lost while we disconnected
            # Our place was taken: others may have used the device meanwhile, so no verdict holds.
            shared = isinstance(error, DeviceError) and error.kind == "place"
            for number in mine:
                if shared or results[number] is drafts[number]:
                    notes = (*results[number].notes, *([f"try: {error.hint}"] if error.hint else []))
                    ended = {"status": "BROKEN_OFF", "reason": str(error), "notes": notes}
                    results[number] = results[number].model_copy(update=ended)
    settled = settle(results)
    for path, result in zip(paths, settled, strict=True):
        write_atomic(path, render(result.to_plain()) + "\n", "--results")
    return settled


def run_one(
    one: Planned, draft: GateResult, session: Session, plumbing: bool, path: Path, progress: Progress
) -> GateResult:
    """One gate; its operators as well when it fails."""
    progress = telling(f"{draft.model}/{draft.profile} on {draft.device.id}", progress)
    progress(Step("checking the files"))
    candidate, baseline = one.candidate, one.baseline.stored
    try:
        check_files(candidate)
        check_files(baseline)
    except UsageError as error:
        return draft.model_copy(update={"status": "INVALID", "reason": str(error)})
    broken = broken_limits(candidate.artifact, baseline.artifact.size_bytes, one.file_limits)
    if broken:
        return draft.model_copy(update={"status": "FAIL", "reason": "; ".join(broken), "decided_by": "file"})
    if others := another_network(candidate.artifact, baseline.artifact):
        draft = draft.model_copy(update={"notes": (*draft.notes, *others)})
    if one.max_drop is not None:
        status, reason = accuracy_status(candidate, one.max_drop)
        if status != "PASS":
            return draft.model_copy(update={"status": status, "reason": reason, "decided_by": "accuracy"})
        draft = draft.model_copy(update={"notes": (*draft.notes, reason)})
    if candidate.artifact.runtime != baseline.artifact.runtime:
        reason = f"the baseline runs on {baseline.artifact.runtime}, the candidate on {candidate.artifact.runtime}"
        return draft.model_copy(update={"status": "NOT_COMPARABLE", "reason": reason})
    sides: dict[Role, Stored] = {
        "baseline": baseline,
        "candidate": candidate,
    }
    pairing = Pairing(session, sides, draft.handicap, one.guards, progress)
    pinned = one.baseline.pin.conditions if one.baseline.pin else None
    draft, over = memory_judged(draft, pairing, one.measured_limits)
    if over:
        return draft
    result = run_gate(draft, pairing, pinned, plumbing, lambda kept: write_atomic(path, render(kept.to_plain()) + "\n"))
    result = limited(result, one.measured_limits)
    if result.status != "FAIL" or result.decided_by != "latency":
        return result
    result = result.model_copy(update={"notes": (*result.notes, *delegation_notes(baseline, candidate))})
    try:
        return result.model_copy(update={"changes": operator_changes(pairing)})
    except EdgekitError as error:
        # The verdict rests on the pairs. The operator times only help to explain it; a note says when they are missing.
        return result.model_copy(update={"notes": (*result.notes, f"operator times: {error}")})


def delegation_notes(baseline: Stored, candidate: Stored) -> list[str]:
    """Operators that left the delegate, by the audits of the exports: the most common reason for a slowdown."""
    before, after = baseline.artifact.audit, candidate.artifact.audit
    if after.delegate is None or (before.undelegated, before.delegate_partitions) == (
        after.undelegated,
        after.delegate_partitions,
    ):
        return []

    def told(audit: Audit) -> str:
        left = ", ".join(f"{count} {kind}" for kind, count in audit.undelegated.items()) or "nothing"
        return f"{audit.delegate_partitions} partition(s), {left} left out"

    return [f"{after.delegate} when exported: {told(before)} in the baseline; {told(after)} in the candidate"]


def key_of(artifact: Artifact, threads: int, cores: str | None) -> str:
    """What names the gate of an artifact; one whose batch is open runs with one image."""
    return report_key(artifact.model, artifact.profile, artifact.runtime, "cpu", threads, cores, artifact.batch or 1)


def draft_of(one: Planned, family: int, seed: int, stamp: datetime, handicap: dict[str, int | bool]) -> GateResult:
    """The result as far as it is known before anything is measured: BROKEN_OFF until it is something else."""
    candidate, baseline, pinned = one.candidate, one.baseline.stored, one.baseline.pin
    return GateResult(
        model=candidate.artifact.model,
        profile=candidate.artifact.profile,
        runtime=candidate.artifact.runtime,
        threads=one.threads,
        cores=one.cores,
        batch=candidate.artifact.batch or 1,
        device=one.device,
        baseline=str(baseline.folder),
        baseline_sha256=baseline.artifact.sha256,
        candidate=str(candidate.folder),
        candidate_sha256=candidate.artifact.sha256,
        status="BROKEN_OFF",
        reason=BROKEN,
        rule=one.rule,
        family=family,
        pinned_at=pinned.pinned_at if pinned else None,
        pinned_p50_ms=pinned.p50_ms if pinned else None,
        handicap=handicap,
        seed=seed,
        started_at=stamp.isoformat(timespec="seconds"),
        edgekit_version=__version__,
    )


def new_path(root: Path, draft: GateResult, stamp: datetime) -> Path:
    """A file of this run alone."""
    stem = f"{stamp:%Y%m%dT%H%M%S%f}__{draft.key}"
    path = inside(root, draft.device.id, f"{stem}.json", field="the path of a result (its device, model and profile)")
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}.json")
    write_atomic(path, render(draft.to_plain()) + "\n")
    return path


@dataclass(frozen=True)
class Pinned:
    """A baseline that was pinned, and the digest of the one before, if any."""

    folder: Path
    key: str
    sha256: str
    replaced: str | None
    p50_ms: float
    verdict: str


def update(
    names: Sequence[str],
    devices: Sequence[str] = ("local",),
    *,
    threads: int = 1,
    cores: str | None = None,
    url: str | None = None,
    plumbing: bool = False,
    artifacts_root: Path = Path("artifacts"),
    shapes: Shapes | None = None,
    reports_root: Path = REPORTS,
    limits: Limits | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> list[Pinned]:
    """Make artifacts the baselines of their keys, measured on each device; the only way that a baseline changes.

    Args:
        names: as for :func:`plan`.
        devices: where to measure.
        threads: within an operator.
        cores: the cores that both sides are pinned to: ``big``, ``little`` or numbers by commas; None for any core.
        url: folder on a server from which the model files are to be fetched; None copies them beside the pin.
        plumbing: allow an emulated device.
        artifacts_root: holds the artifacts.
        shapes: of inputs that a foreign model file leaves open.
        reports_root: gets the pins.
        limits: of the measurement.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown name or device, or an emulated one; a file is not what its manifest says; or a URL that
            may not be fetched.
        ToolError: the device fails, or the folder cannot be written.
    """
    places = [find_device(name) for name in dict.fromkeys(devices)]
    cores = known_cores(cores)
    if url is not None:
        require_safe(url, "--url")
    stored = find_artifacts(names, artifacts_root, shapes=shapes)
    for place in places:
        admit(place, force, progress)
        check_writable(inside(reports_root, place.id, field="the device's name"), "--reports")
        for one in stored:
            check_pin_place(reports_root, place.id, key_of(one.artifact, threads, cores))
    done = []
    for place in places:
        virtual = place.transport == "virtual"
        if virtual and not plumbing:
            raise UsageError(
                f"{place.id} is emulated: its latency means nothing, so it holds no baseline",
                "--plumbing pins one all the same, to try the gate out",
            )
        with reach(place, progress) as transport:
            chosen = limits or (EMULATED if virtual else Limits())
            session = Session(transport, place, threads=threads, cores=cores, limits=chosen)
            for one in stored:
                about = (f"{one.artifact.model}/{one.artifact.profile} on {place.id}",)
                progress(Step("checking the files", about))
                check_files(one)
                measurement = session.measure(one, progress)
                pairing = Pairing(session, {"baseline": one}, progress=progress)
                _, _, look = pairing.look()
                folder = pin_folder(reports_root, place.id, measurement.key)
                before = replaced_digest(folder)
                pin(reports_root, one, measurement, pairing.conditions(look), url)
                done.append(
                    Pinned(
                        folder,
                        measurement.key,
                        one.artifact.sha256,
                        before,
                        measurement.p50_ms,
                        measurement.verdict.name,
                    )
                )
                total = len(stored) * len(places)
                progress(JobEnded(f"pinned, p50 {measurement.p50_ms:.3g} ms", about, len(done), total))
    return done


def replaced_digest(folder: Path) -> str | None:
    """Digest of the model that is pinned there now; None without one, "unreadable" for a damaged one."""
    from ..gate.baselines import read_pin

    if not restore(folder).is_dir():
        return None
    try:
        return read_pin(folder).conditions.baseline_sha256
    except UsageError:
        return "unreadable"
