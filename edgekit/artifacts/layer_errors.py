"""How far each layer of an int8 artifact is from the float network; measured in a child process."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..base.files import write_atomic
from ..base.processes.isolate import run_isolated
from ..base.untrusted import read_text
from ..errors import UsageError
from ..reports.store import first_problem
from ..types import ExportProfile, LayerErrors
from ..types.artifacts import LAYERS_FILE
from .children import jobs
from .children.imports import NETWORK
from .prepare import Prepared
from .requests import LayersRequest, Made
from .verify import overflows_here, run_on_parity_images


def layer_errors(prepared: Prepared, profile: ExportProfile, folder: Path, made: Made) -> LayerErrors:
    """Measure the layers of the converted file in ``folder`` on the parity images, and write ``layers.json`` there.

    Raises:
        ToolError: the runtime failed on the file.
    """
    request = LayersRequest(
        network=prepared.source,
        profile=profile,
        calibration=prepared.calibration_file,
        pixels=prepared.parity_file,
        model_file=(folder / made.files[0]).resolve(),
        plain=run_on_parity_images(prepared, profile, folder, made),
        made=made,
        exact_int8=overflows_here(profile, made),
    )
    what = f"measuring the layers of {prepared.card.id} {profile.name}"
    found = run_isolated(jobs.layer_errors, request, prepared.options.timeout_s, what, imports=NETWORK)
    write_atomic(folder / LAYERS_FILE, found.model_dump_json(indent=2) + "\n")
    return found


def read_layer_errors(folder: Path) -> LayerErrors | None:
    """The layers of a stored artifact; None when they were not measured.

    Raises:
        UsageError: the file is damaged.
    """
    path = folder / LAYERS_FILE
    if not path.is_file():
        return None
    remedy = "export the artifact again with --layer-errors"
    try:
        return LayerErrors.model_validate_json(read_text(path, remedy))
    except ValidationError as error:
        raise UsageError(f"{path} does not hold the errors of layers: {first_problem(error)}", remedy) from error
