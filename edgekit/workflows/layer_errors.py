"""How far each layer of an int8 artifact is from the float network; measured in a child process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_atomic
from ..isolate import run_isolated
from ..types import ExportProfile, LayerErrors
from .artifacts import LAYERS_FILE
from .conversion import network_request
from .prepare import Prepared
from .verification import run_on_parity_images

MEASURE = "edgekit.workflows.layer_errors_job:measure"


def layer_errors(prepared: Prepared, profile: ExportProfile, folder: Path, made: Mapping[str, Any]) -> LayerErrors:
    """Measure the layers of the converted file in ``folder`` on the parity images, and write ``layers.json`` there.

    Raises:
        ToolError: the runtime failed on the file.
    """
    plain = run_on_parity_images(prepared, profile, folder, dict(made))
    answer = run_isolated(
        MEASURE,
        {
            **network_request(prepared, profile, made["target"]),
            "calibration": str(prepared.work / "calibration.npy"),
            "pixels": str(prepared.work / "parity.npy"),
            "model_file": str((folder / made["files"][0]).resolve()),
            "input": made["inputs"][0],
            "output": made["outputs"][0],
            "plain": str(plain),
            "owners": made["owners"],
            "float_layers": made["float_names"],
        },
        prepared.options.timeout_s,
        f"measuring the layers of {prepared.card.id} {profile.name}",
    )
    found = LayerErrors.from_plain(answer)
    write_atomic(folder / LAYERS_FILE, found.model_dump_json(indent=2) + "\n")
    return found


def read_layer_errors(folder: Path) -> LayerErrors | None:
    """The layers of a stored artifact; None when they were not measured."""
    path = folder / LAYERS_FILE
    return LayerErrors.model_validate_json(path.read_text()) if path.is_file() else None
