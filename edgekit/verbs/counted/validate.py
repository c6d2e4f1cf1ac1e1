"""The verb ``validate``: how far counts and the model of a core are off on a board that is at hand."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ... import __version__
from ...artifacts.prepare import ExportOptions
from ...artifacts.store import read_manifest
from ...base.folders import exports_folder
from ...base.progress import Progress, telling
from ...base.scratch import scratch_folder
from ...bench.session import Limits
from ...catalog import find_card
from ...counting.emulator import prepare
from ...counting.kept import count_once
from ...devices.inventory import find_device
from ...devices.reach import reach, refuse_simulated
from ...devices.target import target_of
from ...devices.virtual.likeness import likeness_of
from ...devices.virtual.simulated import device_of
from ...errors import EdgekitError, ToolError
from ...types import Counted, ExportProfile, Measurement, Validated, Validation
from ..export import export
from ..profile import profile
from .estimate import at_clock

SHIPPED = ("squeezenet", "mobilenet_v2", "mobilenet_v3", "shufflenet_v1", "shufflenet_v2")
"""The networks of a validation: narrow and wide, with groups and with depthwise convolutions."""


@dataclass
class Validating:
    """What came of it: the validation, and what could not be exported, measured or counted."""

    found: Validation
    failures: list[tuple[str, EdgekitError]] = field(default_factory=list)


def validate(
    names: Sequence[str],
    profiles: Sequence[ExportProfile],
    device: str,
    *,
    limits: Limits | None = None,
    progress: Progress,
) -> Validating:
    """Measure artifacts on a board, count them on the simulated core of its kind, and set one beside the other.

    Args:
        names: models, exported for the board's class of CPU; or folders of artifacts.
        profiles: the ways to export a model.
        device: a board that measures; its entry says which kind it is.
        limits: how long to look; those of a measurement to be kept when None.
        progress: receives an event as each step begins.

    Raises:
        UsageError: an unknown name, a device that measures nothing or is of no known kind.
        ToolError: this machine cannot count, the board cannot be reached, or nothing could be compared.
    """
    models = [name for name in names if not Path(name).is_dir()]
    for model in models:
        find_card(model)
    place = find_device(device)
    refuse_simulated(place)
    like = likeness_of(device, place)
    ready = prepare(like.board, progress)
    with reach(place, progress):  # before anything is exported
        pass
    target = target_of(device_of(like.board))
    wanted = [one.model_copy(update={"target": target}) for one in profiles]
    failures: list[tuple[str, EdgekitError]] = []
    with scratch_folder("validate") as scratch:
        folders = [Path(name) for name in names if Path(name).is_dir()]
        for outcome in export(
            models, wanted, ExportOptions(out=scratch / "artifacts", cache=exports_folder()), progress
        ):
            if outcome.folder is not None:
                folders.append(outcome.folder)
            elif outcome.error is not None:
                failures.append((f"{outcome.model}/{outcome.profile}", outcome.error))
        measured = profile(
            [str(folder) for folder in folders],
            device,
            reports_root=scratch / "reports",
            limits=limits,
            progress=progress,
        )
        failures += [(one.artifact, one.error) for one in measured.failures]
        known = {stored.artifact.sha256: stored for stored in map(read_manifest, folders)}
        pairs: list[tuple[Measurement, Counted]] = []
        for one in measured.measurements:
            label = f"{one.model}/{one.profile}"
            try:
                counted = count_once(known[one.artifact_sha256], ready, telling(label, progress))
                pairs.append((one, at_clock(counted, ready, like.clock_mhz)))
            except EdgekitError as error:
                failures.append((label, error))
    if not pairs:
        lines = "\n".join(f"  {label}: {error}" for label, error in failures)
        raise ToolError(f"nothing could be both measured and counted:\n{lines}", f"edgekit devices check {device}")
    first = pairs[0][0]
    return Validating(
        Validation(
            board=place.board or device,
            core=like.board.cpu,
            clock_mhz=like.clock_mhz,
            cpu=first.info.cpu,
            system=first.info.system,
            governors=tuple(sorted(set((first.state_before.governor or {}).values()))),
            emulated=first.info.emulated,
            rows=tuple(row(*pair) for pair in pairs),
            plugin=pairs[0][1].plugin,
            emulator=ready.emulator.version,
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            edgekit_version=__version__,
        ),
        failures,
    )


def row(measured: Measurement, counted: Counted) -> Validated:
    """One artifact's figures."""
    return Validated(
        model=measured.model,
        profile=measured.profile,
        precision=measured.precision,
        runtime=measured.runtime,
        measured_version=measured.runtime_version,
        counted_version=counted.runtime_version,
        p50_ms=statistics.median(measured.samples_ns) / 1e6,
        samples=len(measured.samples_ns),
        verdict=measured.verdict.name,
        instructions=counted.counts.instructions,
        cycles=counted.estimate.cycles,
        estimated_ms=counted.estimate.latency_ms,
    )
