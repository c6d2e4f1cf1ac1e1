"""What the guidelines weigh on a device, on disk: ``<root>/<device>/guidelines/<format>.json``."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..base.files import write_atomic
from ..base.inside import inside
from ..base.untrusted import read_text
from ..errors import UsageError
from ..types.calibrations import Calibration
from .json_text import render
from .store import first_problem

FOLDER = "guidelines"


def save_calibration(root: Path, found: Calibration) -> Path:
    """Keep a calibration in the place of an older one; its file.

    Raises:
        ToolError: the folder cannot be written.
    """
    path = inside(root, found.device.id, FOLDER, f"{found.format}.json", field="the path of a calibration")
    write_atomic(path, render(found.to_plain()) + "\n")
    return path


def calibrations(root: Path, device: str | None) -> list[Calibration]:
    """Those of a device, or of every device, by device and format.

    Raises:
        UsageError: a file there is none.
    """
    folder = root if device is None else inside(root, device, field="the device's name")
    pattern = f"*/{FOLDER}/*.json" if device is None else f"{FOLDER}/*.json"
    found = []
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else []:
        remedy = f"delete it, and calibrate again: edgekit lint --calibrate --device {path.parent.parent.name}"
        try:
            found.append(Calibration.model_validate_json(read_text(path, remedy, what="a calibration")))
        except ValidationError as error:
            raise UsageError(f"{path} is no calibration: {first_problem(error)}", remedy) from error
    return found
