"""Run an artifact of a user's own network beside the network, and compare each output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.images.pixels import from_output
from ...base.processes.isolate import run_isolated
from ...types import RUNTIME_OF, ExportProfile, Parity, TensorSpec
from ...verify.sets_of_inputs import Arrays, load_arrays, save_arrays, stored_inputs
from ..children import own_jobs
from ..imports import NETWORK
from ..outputs import compare_output, fair_bounds, outputs_of
from ..snippet.write import Check
from .inputs import spec_of_sized
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
) -> tuple[dict[str, Parity], Check]:
    """Run the file on the inputs and compare each output with the network's, by its name.

    The reference is the network without rewrites. The first inputs and what it makes of them are the artifact's check,
    in the order of the file.
    """
    expected = reference(network)
    specs = [spec_of_sized(one) for one in network.traced.inputs]
    arrays: list[NDArray[Any]] = [np.empty(0)] * len(network.sets)
    for array, spec, place in zip(network.sets, specs, made.inputs, strict=True):
        arrays[place] = stored_inputs(array, spec, inputs[place])
    file, runtime = folder / made.files[0], RUNTIME_OF[profile.format]
    taken = outputs_of(file, runtime, arrays, {}, TIMEOUT_S, f"running {network.name} {profile.name}")
    bounds = fair_bounds(profile.parity, network.source)
    exactly: list[NDArray[Any]] = [np.empty(0)] * len(expected)
    found = {}
    for one, exact, place in zip(network.traced.outputs, expected, made.outputs, strict=True):
        exactly[place] = exact[0]
        found[one.name] = compare_output(exact, from_output(taken[place], outputs[place]), bounds)
    return found, Check([array[0] for array in arrays], exactly)


def reference(network: OwnNetwork) -> Arrays:
    """The outputs of the network, computed once."""
    path, program = network.work / "reference.npz", network.program().path
    limit_s, what = network.options.timeout_s, f"running {network.name}"
    if not path.is_file() and network.file is not None:
        shapes = network.file.artifact.input_shapes
        save_arrays(path, outputs_of(program, "onnxruntime", network.sets, shapes, limit_s, what))
    elif not path.is_file():
        request = ReferenceRequest(program=program, sets=network.work / SETS, outputs=path)
        run_isolated(own_jobs.reference, request, limit_s, what, imports=NETWORK)
    return load_arrays(path)
