"""The class of a device's CPU, if it is known: artifacts are made for a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..base.progress import Progress, Warned
from ..types import Artifact, Device, TargetClass
from .boards import find_board
from .virtual.boards import VIRTUAL
from .virtual.simulated import SIMULATED


def target_of(device: Device) -> TargetClass | None:
    """The class of a device's CPU by its board, or by the features of the core that is played; None where unknown."""
    played = {**VIRTUAL, **SIMULATED}.get(device.id) if device.transport in ("virtual", "simulated") else None
    if played is not None and played.machine == "x86_64":
        return "x86-avx2"
    if played is not None:
        return "armv8.2-dot" if "asimddp" in played.features.split() else "armv8.0"
    return None if device.board is None else find_board(device.board).target


def common_target(devices: Sequence[Device]) -> TargetClass | None:
    """The class that all of the devices have; None where one is unknown or they differ."""
    found = {target_of(device) for device in devices}
    return found.pop() if len(found) == 1 else None


def mismatch(artifact: Artifact, device: Device) -> str | None:
    """A note on an artifact that was made for another class of CPU than the device's; None otherwise. A foreign file is
    for no class.
    """
    target = target_of(device)
    if target is None or artifact.origin or artifact.target == target:
        return None
    return (
        f"{artifact.model} {artifact.profile} was made for {artifact.target}, {device.id} is {target}: its form and "
        f"its int8 ranges may not be the best there (edgekit export --target {target})"
    )


def warn_of_mismatches(artifacts: Iterable[Artifact], device: Device, progress: Progress) -> None:
    """Warn about each artifact that was made for another class of CPU than the device's."""
    for artifact in artifacts:
        told = mismatch(artifact, device)
        if told is not None:
            progress(Warned(told))
