"""``gate --runtime-a --runtime-b``: one artifact under two versions of its runtime, in pairs, by the gate's rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...artifacts.accuracy.subjects import check_classifies
from ...artifacts.find import find_artifacts
from ...artifacts.store import check_files
from ...base.files import check_writable, write_atomic
from ...base.progress import JobEnded, Progress, Step, silent, telling
from ...bench.asked_cores import known_cores
from ...bench.launch import ThisMachine, Transport
from ...bench.session import EMULATED, Limits, Session
from ...devices.environments import Wanted, python_with
from ...devices.far_environments import python_there
from ...devices.inventory import find_device
from ...devices.quarantine import admit
from ...devices.reach import reach
from ...devices.ssh import SshMachine
from ...errors import EdgekitError, UsageError
from ...gate.baselines import Found
from ...gate.config import read_config, rule_for
from ...gate.engine import operator_changes, run_gate, settle
from ...gate.measured_limits import MeasuredLimits, limited, memory_judged
from ...gate.upgrade import RuntimePairing, compare_outputs, operators_changed
from ...gate.upgrade_accuracy import accuracy_under_both
from ...reports.json_text import render
from ...types import GateResult, Stored
from ...types.gates import GateStatus
from ...verify.evaluation_data import Images
from ...verify.sets_of_inputs import Shapes
from ..evaluate import labelled
from ..gate import Planned, draft_of, new_path

SHOWN = 12


def gate_upgrade(
    names: Sequence[str],
    before: Wanted,
    after: Wanted,
    device: str = "local",
    *,
    threads: int = 1,
    cores: str | None = None,
    tolerance: float | None = None,
    delta: float | None = None,
    config: Path | None = None,
    artifacts_root: Path = Path("artifacts"),
    results_root: Path = Path("gate_results"),
    shapes: Shapes | None = None,
    data: str | None = None,
    labels: str | None = None,
    limits: Limits | None = None,
    plumbing: bool = False,
    seed: int | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> list[GateResult]:
    """Gate an upgrade: outputs and accuracy first, then pairs of fresh processes, each in its environment.

    Args:
        names: artifacts or models; all of the runtime under ``artifacts_root`` when none.
        before: the version in use, the baseline.
        after: the version to upgrade to, the candidate.
        device: this machine, or one behind SSH, on which the environments are made.
        threads: within an operator.
        cores: the cores that both sides are pinned to; None for any core.
        tolerance: wins over that of ``config``.
        delta: the same.
        config: a ``gate.toml``; the one here, if there is one, when None.
        artifacts_root: holds the artifacts.
        results_root: gets ``<device>/<time>__<key>.json``.
        shapes: of inputs that a foreign model file leaves open.
        data: labelled images, as ``edgekit evaluate`` takes them, on which both versions are compared; none when None.
        labels: label file of ``data``, or None for those that it brings.
        limits: of each launch; those of the configuration when None.
        plumbing: run one pair on an emulated device too; the result is NOT_COMPARABLE all the same.
        seed: of the order of the sides; drawn when None.
        force: measure even on a quarantined device.
        progress: receives an event as each step begins.

    Raises:
        UsageError: two runtimes, nothing of them there, a phone, options that do not go together, or data without
            labels.
        ToolError: the device cannot be reached, an environment cannot be made, or ``results_root`` cannot be written.
    """
    if before.runtime != after.runtime:
        raise UsageError(
            f"{before} and {after} are two runtimes, and a gate holds one against itself",
            "edgekit compare MODEL ranks its artifacts across runtimes",
        )
    if threads < 1:
        raise UsageError(f"--threads must be at least 1, got {threads}")
    cores, place = known_cores(cores), find_device(device)
    if place.transport not in ("local", "ssh", "virtual"):
        raise UsageError(
            f"{device} is reached by {place.transport}, and an environment for each version is made on it by Python",
            "gate an upgrade on a device behind SSH, or on this machine",
        )
    found = find_artifacts(names, artifacts_root, before.runtime, shapes=shapes)
    settings = read_config(config, {stored.artifact.model for stored in found})
    check_writable(results_root, "--results")
    if data is not None:
        for stored in found:
            check_answers_images(stored)
    images = None if data is None else labelled(data, labels)
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    stamp = datetime.now(UTC)
    planned = []
    for stored in found:
        rule, chosen, guards = rule_for(settings, place, stored.artifact.model, tolerance, delta)
        chosen = limits or (EMULATED if place.transport == "virtual" else chosen)
        keys = settings.lookup(place.id, stored.artifact.model)
        measured, drop = MeasuredLimits.of_keys(keys), keys.get("max_drop")
        found_there = Found(stored, None)
        planned.append(
            Planned(place, stored, found_there, rule, chosen, guards, threads, cores, drop, measured_limits=measured)
        )
    results: list[GateResult] = []
    paths: list[Path] = []
    admit(place, force, progress)
    with reach(place, progress, resumes=False) as transport:
        sides = [in_environment(transport, version, progress) for version in (before, after)]
        for number, one in enumerate(planned):
            draft = draft_of(one, len(planned), seed + number, stamp, {})
            draft = draft.model_copy(update={"candidate_runtime": after.version})
            paths.append(new_path(results_root, draft, stamp))
            about = f"{draft.model}/{draft.profile}"
            results.append(one_upgrade(one, draft, sides, images, paths[-1], plumbing, telling(about, progress)))
            told = f"{results[-1].status} before the correction over all"
            progress(JobEnded(told, (about,), len(results), len(planned)))
    settled = settle(results)
    for path, result in zip(paths, settled, strict=True):
        write_atomic(path, render(result.to_plain()) + "\n", "--results")
    return settled


def check_answers_images(stored: Stored) -> None:
    """Make sure, before anything is reached, that an artifact can answer labelled images.

    Raises:
        UsageError: it is no classifier of images, or nothing says how they become its input.
    """
    check_classifies(stored.artifact, stored.folder)
    if stored.artifact.inputs[0].preprocessing is None:
        raise UsageError(
            f"{stored.folder} does not say how images become its input {stored.artifact.inputs[0].name}",
            "name the artifacts that do, leave --data out, or export it with --calibration FOLDER of images",
        )


def in_environment(transport: Transport, version: Wanted, progress: Progress) -> Transport:
    """The way to the same device, with the interpreter of an environment that has a version of the runtime.

    Raises:
        ToolError: it cannot be made.
    """
    if isinstance(transport, SshMachine):
        return transport.running(python_there(transport, version, progress))
    return ThisMachine(str(python_with(version, progress)))


def one_upgrade(
    one: Planned,
    draft: GateResult,
    sides: Sequence[Transport],
    images: Images | None,
    path: Path,
    plumbing: bool,
    progress: Progress,
) -> GateResult:
    """One artifact: files, outputs, accuracy, pairs, and the operators that changed."""
    stored = one.candidate
    progress(Step("checking the files"))
    old, new = (Session(side, one.device, threads=one.threads, cores=one.cores, limits=one.limits) for side in sides)
    pairing = RuntimePairing(
        old, {"baseline": stored, "candidate": stored}, guards=one.guards, progress=progress, other=new
    )
    try:
        check_files(stored)
        outputs = compare_outputs(pairing)
        status, told = accuracy_kept(pairing, images, one.max_drop)
    except UsageError as error:
        return draft.model_copy(update={"status": "INVALID", "reason": str(error)})
    except EdgekitError as error:
        return draft.model_copy(update={"status": "BROKEN_OFF", "reason": str(error)})
    if outputs.failures:
        reason = f"the outputs are others: {'; '.join(outputs.failures)}"
        return draft.model_copy(update={"status": "FAIL", "reason": reason, "notes": (told,) if told else ()})
    draft = draft.model_copy(update={"notes": (outputs.words,)})
    if status != "PASS":
        return draft.model_copy(update={"status": status, "reason": told, "decided_by": "accuracy"})
    draft = draft.model_copy(update={"notes": (*draft.notes, *([told] if told else []))})
    draft, over = memory_judged(draft, pairing, one.measured_limits)
    if over:
        return draft
    result = run_gate(draft, pairing, None, plumbing, lambda kept: write_atomic(path, render(kept.to_plain()) + "\n"))
    if len(pairing.facts) == len(pairing.sides):
        result = result.model_copy(update={"notes": (*result.notes, *version_notes(pairing))})
    result = limited(result, one.measured_limits)
    if result.status != "FAIL" or result.decided_by != "latency":
        return result
    try:
        return result.model_copy(update={"changes": operator_changes(pairing)})
    except EdgekitError as error:
        # The verdict rests on the pairs. The operator times only help to explain it; a note says when they are missing.
        return result.model_copy(update={"notes": (*result.notes, f"operator times: {error}")})


def accuracy_kept(pairing: RuntimePairing, images: Images | None, max_drop: float | None) -> tuple[GateStatus, str]:
    """What the accuracy says of the upgrade, and a sentence: an empty one where nobody asked for it.

    A limit without images to look at is no PASS.
    """
    if images is not None:
        return accuracy_under_both(pairing, images, max_drop)
    if max_drop is None:
        return "PASS", ""
    return "INCONCLUSIVE", f"max_drop is {max_drop:g} points, and no labelled images were given: add --data DATA"


def version_notes(pairing: RuntimePairing) -> list[str]:
    """Which versions ran, and which operators they execute differently."""
    old, new = (pairing.facts[role].runtime_version for role in ("baseline", "candidate"))
    changed = operators_changed(pairing)
    rest = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    told = f"operators that changed: {'; '.join(changed[:SHOWN])}{rest}" if changed else "no operator changed"
    return [f"the baseline ran on {old}, the candidate on {new}; {told}"]
