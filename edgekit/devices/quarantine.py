"""Devices that failed a health check: kept out of measurements until a check passes, or somebody insists."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from ..base.files import write_atomic
from ..base.folders import quarantine_folder
from ..base.inside import inside
from ..base.progress import Progress, Warned
from ..errors import ToolError
from ..types import Device, Quarantine


def file_of(device: Device) -> Path:
    """Where it is written that ``device`` is quarantined."""
    return inside(quarantine_folder(), f"{device.id}.json", field="the device's name")


def quarantine(device: Device, reasons: tuple[str, ...]) -> Quarantine:
    """Keep ``device`` out of measurements; since when it is kept out does not change by another failure."""
    before = quarantined(device)
    since = before.since if before else datetime.now(UTC).isoformat(timespec="seconds")
    found = Quarantine(device=device, reasons=reasons, since=since)
    write_atomic(file_of(device), json.dumps(found.to_plain(), indent=2) + "\n")
    return found


def lift(device: Device) -> Quarantine | None:
    """Let ``device`` be measured on again; what held it back, if anything did."""
    found = quarantined(device)
    file_of(device).unlink(missing_ok=True)
    return found


def quarantined(device: Device) -> Quarantine | None:
    """Why ``device`` is kept out, or None. Another device that had the same name does not count."""
    path = file_of(device)
    if not os.path.lexists(path):
        return None
    try:
        found = Quarantine.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        # It failed a check, and nobody can read why: that is no reason to trust it.
        return Quarantine(device=device, reasons=(f"{path} says so, and cannot be read",), since="")
    return found if same_device(found.device, device) else None


def same_device(one: Device, other: Device) -> bool:
    """True when both names lead to the same machine."""
    way = ("id", "transport", "address", "user", "port", "labgrid")
    return all(getattr(one, name) == getattr(other, name) for name in way)


def admit(device: Device, force: bool, progress: Progress) -> None:
    """Go on when ``device`` may be measured on; with ``force`` also when it is quarantined, which is said.

    Raises:
        ToolError: it is quarantined.
    """
    found = quarantined(device)
    if found is None:
        return
    if not force:
        raise ToolError(
            f"{device.id} is quarantined {found.words}",
            f"mend it, then edgekit devices check {device.id}, which lifts that when it passes; or go on with --force",
        )
    progress(Warned(f"{device.id} is quarantined {found.words}; measuring nevertheless, as --force says"))
