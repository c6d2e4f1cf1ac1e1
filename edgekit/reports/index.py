"""The content of a store, and the measurements in it that should be made again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ..types import Measurement, Runtime, Summary
from .store import report_path

ArtifactState = Literal["present", "changed", "gone", "unknown"]
PACKAGES: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": ("onnxruntime",),
    "litert": ("ai-edge-litert",),
    "openvino": ("openvino",),
}
"""The package whose version is that of a runtime."""
NAMED = 10
"""Most duplicate files that are named."""
CLOCK_BACK_S, CLOCK_AHEAD_S = 5.0, 900.0
"""A measurement whose inferences took longer than the clock says, or that ended far later than they explain."""


@dataclass(frozen=True)
class Found:
    """A stored measurement, in short, and the file that holds it."""

    path: Path
    measurement: Summary


@dataclass(frozen=True)
class Entry:
    """One stored measurement.

    Attributes:
        artifact: what the artifact folder holds today; ``unknown`` when there is no such folder at all.
        stale: reasons to measure again, in words.
        duplicates: files that say the same again; the first of them where they are many.
    """

    path: Path
    measurement: Summary
    artifact: ArtifactState
    stale: tuple[str, ...]
    duplicates: tuple[Path, ...]

    @property
    def fine(self) -> bool:
        """True when there is nothing to do about it."""
        return not self.stale and not self.duplicates


@dataclass(frozen=True)
class Surroundings:
    """What stored measurements are compared with.

    Attributes:
        artifacts: sha256 of the model file by model and profile; None when there is no folder of artifacts.
        installed: versions by package on this machine.
        now: the present.
        max_age_days: older measurements are stale; None for no limit.
    """

    artifacts: Mapping[tuple[str, str], str] | None
    installed: Mapping[str, str]
    now: datetime
    max_age_days: float | None


def index(root: Path, found: Sequence[Found], around: Surroundings) -> list[Entry]:
    """An entry per file, in the order given."""
    alike: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for one in found:
        alike[subject(one.measurement)].append(one.path)
    return [
        Entry(
            path=one.path,
            measurement=one.measurement,
            artifact=artifact_state(one.measurement, around.artifacts),
            stale=tuple(staleness(root, one, around)),
            duplicates=tuple(path for path in alike[subject(one.measurement)][: NAMED + 1] if path != one.path),
        )
        for one in found
    ]


def subject(m: Summary) -> tuple[object, ...]:
    """What was measured, where and how; two files of one subject say the same twice."""
    settings = tuple(sorted(m.settings.items()))
    return m.artifact_sha256, m.device.id, m.runtime, m.accelerator, m.threads, m.on_cores, m.batch, settings


def artifact_state(m: Summary, artifacts: Mapping[tuple[str, str], str] | None) -> ArtifactState:
    """What became of the artifact that was measured."""
    if artifacts is None:
        return "unknown"
    there = artifacts.get((m.model, m.profile))
    if there is None:
        return "gone"
    return "present" if there == m.artifact_sha256 else "changed"


def staleness(root: Path, one: Found, around: Surroundings) -> list[str]:
    """Reasons to measure again."""
    m = one.measurement
    reasons = []
    state = artifact_state(m, around.artifacts)
    if state == "changed":
        there = (around.artifacts or {})[m.model, m.profile]
        reasons.append(f"the artifact changed: measured {m.artifact_sha256[:12]}, there is {there[:12]}")
    if state == "gone":
        reasons.append("the artifact is gone")
    if m.device.transport == "local" and m.device.python is None:
        for package in PACKAGES[m.runtime]:
            then, today = m.versions.get(package), around.installed.get(package)
            if then is not None and today is not None and then != today:
                reasons.append(f"{package} was {then}, installed is {today}")
    age = (around.now - m.moment).total_seconds() / 86400
    if around.max_age_days is not None and age > around.max_age_days:
        reasons.append(f"{age:.0f} days old, over {around.max_age_days:g}")
    if age < -1:
        reasons.append(f"dated {m.measured_at}, which is yet to come: the device's clock was wrong")
    jump = m.clock_jump_s
    if jump is not None:
        reasons.append(f"the device's clock jumped by about {jump:+.0f} s meanwhile: its date is not to be trusted")
    if one.path != report_path(root, m):
        reasons.append(f"not where it belongs: {report_path(root, m)}")
    return reasons


def clock_jump_s(m: Measurement) -> float | None:
    """By how much the device's clock was set during the measurement, seconds; None when it was not, or by little.

    Samples come from a clock that cannot be set, so the two can be held against each other.
    """
    busy = (sum(m.warmup_ns) + sum(m.samples_ns) + m.load_ns + m.first_inference_ns) / 1e9
    difference = m.state_after.unix_time - m.state_before.unix_time - busy
    return difference if difference < -CLOCK_BACK_S or difference > CLOCK_AHEAD_S else None
