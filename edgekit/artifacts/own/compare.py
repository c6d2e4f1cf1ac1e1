"""Run an artifact of a user's own network beside the network, and compare each output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.images.pixels import from_output
from ...base.processes.isolate import run_isolated
from ...bench.launch import call_agent
from ...types import RUNTIME_OF, ExportProfile, Parity, TensorSpec
from ...verify.parity import compare
from ...verify.sets_of_inputs import stored_inputs
from ..children import own_jobs
from ..imports import NETWORK
from .inputs import save, spec_of_sized
from .network import SETS, OwnNetwork
from .requests import ReferenceRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...convert.any.job import AnyConverted

TIMEOUT_S = 300.0


def compare_outputs(
    network: OwnNetwork,
    profile: ExportProfile,
    folder: Path,
    made: AnyConverted,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
) -> dict[str, Parity]:
    """Run the file on the inputs and compare each output with the network's, by its name.

    The reference is the network without rewrites.
    """
    expected = reference(network)
    given, taken = network.work / "given.npz", network.work / "taken.npz"
    specs = [spec_of_sized(one) for one in network.traced.inputs]
    arrays: list[NDArray[Any]] = [np.empty(0)] * len(network.sets)
    for array, spec, place in zip(network.sets, specs, made.inputs, strict=True):
        arrays[place] = stored_inputs(array, spec, inputs[place])
    save(given, arrays)
    file = str((folder / made.files[0]).resolve())
    request = {"command": "outputs", "runtime": RUNTIME_OF[profile.format], "model": file, "threads": 1}
    what = f"running {network.name} {profile.name}"
    call_agent({**request, "inputs": str(given), "outputs": str(taken)}, TIMEOUT_S, what)
    bounds = profile.parity
    if network.source.kind == "synthetic":
        # Random inputs are as like one another as their outputs: what differs between these is no signal to judge by.
        bounds = bounds.model_copy(update={"min_image_sqnr_db": None})
    found = {}
    with np.load(taken) as answer:
        for one, exact, place in zip(network.traced.outputs, expected, made.outputs, strict=True):
            got = from_output(answer[str(place)], outputs[place])
            rows = exact.astype(np.float32).reshape(len(exact), -1), got.reshape(len(got), -1)
            found[one.name] = compare(*rows, bounds, trained=False)
    return found


def run_file(network: OwnNetwork, file: Path, outputs: Path) -> None:
    """Run the ONNX file that is the network on all inputs."""
    assert network.file is not None
    shapes = {name: list(shape) for name, shape in network.file.artifact.input_shapes.items()}
    request = {"command": "outputs", "runtime": "onnxruntime", "model": str(file.resolve()), "threads": 1}
    paths = {"inputs": str(network.work / SETS), "outputs": str(outputs)}
    call_agent({**request, **paths, "shapes": shapes}, network.options.timeout_s, f"running {network.name}")


def reference(network: OwnNetwork) -> list[NDArray[Any]]:
    """The outputs of the network, computed once."""
    path = network.work / "reference.npz"
    if not path.is_file() and network.file is not None:
        run_file(network, network.program().path, path)
    elif not path.is_file():
        request = ReferenceRequest(program=network.program().path, sets=network.work / SETS, outputs=path)
        run_isolated(own_jobs.reference, request, network.options.timeout_s, f"running {network.name}", imports=NETWORK)
    with np.load(path) as file:
        return [file[str(place)] for place in range(len(network.traced.outputs))]
