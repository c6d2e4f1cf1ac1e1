"""Devices that failed a health check: they are not measured until a check passes, except with ``--force``."""

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
    """The file that records the quarantine of ``device``."""
    return inside(quarantine_folder(), f"{device.id}.json", field="the device's name")


def quarantine(device: Device, reasons: tuple[str, ...]) -> Quarantine:
    """Put ``device`` into quarantine; another failure does not change the date of the first."""
    before = quarantined(device)
    since = before.since if before else datetime.now(UTC).isoformat(timespec="seconds")
    found = Quarantine(device=device, reasons=reasons, since=since)
    write_atomic(file_of(device), json.dumps(found.to_plain(), indent=2) + "\n")
    return found


def lift(device: Device) -> Quarantine | None:
    """End the quarantine of ``device``; returns it, if there was one."""
    found = quarantined(device)
    file_of(device).unlink(missing_ok=True)
    return found


def quarantined(device: Device) -> Quarantine | None:
    """The quarantine of ``device``, or None. That of another device of the same name does not count."""
    path = file_of(device)
    if not os.path.lexists(path):
        return None
    try:
        found = Quarantine.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        # It failed a check, and the reason cannot be read: do not trust it.
        return Quarantine(device=device, reasons=(f"{path} says so, and cannot be read",), since="")
    return found if same_device(found.device, device) else None


def same_device(one: Device, other: Device) -> bool:
    """True when both names lead to the same machine."""
    way = ("id", "transport", "address", "user", "port", "labgrid")
    return all(getattr(one, name) == getattr(other, name) for name in way)


def admit(device: Device, force: bool, progress: Progress) -> None:
    """Return if ``device`` may be measured; with ``force`` also if it is quarantined, after a warning.

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
