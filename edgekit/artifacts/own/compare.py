"""Run an artifact of a user's own network beside the network, and compare each output."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.images.pixels import from_output
from ...base.processes.isolate import run_isolated
from ...errors import UsageError
from ...types import RUNTIME_OF, ExportProfile, Parity, ParityTolerance, TensorSpec
from ...verify.sets_of_inputs import Arrays, load_arrays, save_arrays, stored_inputs
from ..children import own_jobs
from ..children.imports import PROGRAM
from ..outputs import RARE_IN_INT8, compare_output, fair_bounds, outputs_of
from ..snippet.write import Check
from .inputs import spec_of_sized
from .network import OwnNetwork
from .requests import ReferenceRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...convert.any.job import AnyConverted

TIMEOUT_S = 300.0
REFERENCE = "reference.npz"
NUDGES = 3
ROUNDINGS = 10.0
"""How many times the network's own rounding a file may be off: it rounds in every layer, not in the inputs alone."""


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
    in the order of the file. Where float32 alone misses the bound of the largest error, the network's own rounding says
    how much of it is fair.
    """
    expected = reference(network)
    specs = [spec_of_sized(one) for one in network.traced.inputs]
    arrays: list[NDArray[Any]] = [np.empty(0)] * len(network.sets)
    for array, spec, place in zip(network.sets, specs, made.inputs, strict=True):
        arrays[place] = stored_inputs(array, spec, inputs[place])
    file, runtime = folder / made.files[0], RUNTIME_OF[profile.format]
    taken = outputs_of(file, runtime, arrays, {}, TIMEOUT_S, f"running {network.name} {profile.name}")
    bounds = bounds_of(network, profile)
    roomy = bounds.model_copy(update={"max_abs_error": inf})
    exactly: list[NDArray[Any]] = [np.empty(0)] * len(expected)
    found = {}
    moved: list[float] = []
    for number, (one, exact, place) in enumerate(zip(network.traced.outputs, expected, made.outputs, strict=True)):
        exactly[place] = exact[0]
        given = from_output(taken[place], outputs[place])
        parity = compare_output(exact, given, bounds, RARE_IN_INT8 if profile.precision == "int8" else 0.0)
        if parity.failures and profile.precision == "fp32" and compare_output(exact, given, roomy).passed:
            moved = moved or own_rounding(network, expected)
            wider = max(bounds.max_abs_error, ROUNDINGS * moved[number])
            parity = compare_output(exact, given, bounds.model_copy(update={"max_abs_error": wider}))
        found[one.name] = parity
    return found, Check([array[0] for array in arrays], exactly)


def bounds_of(network: OwnNetwork, profile: ExportProfile) -> ParityTolerance:
    """Those of the profile that suit the inputs, with the SQNR that was asked for."""
    bounds, asked = fair_bounds(profile.parity, network.source), network.options.min_sqnr_db
    return bounds if asked is None or profile.precision != "int8" else bounds.model_copy(update={"min_sqnr_db": asked})


def own_rounding(network: OwnNetwork, expected: Arrays) -> list[float]:
    """How far each output moves, as a share of its largest value, when every input moves by one step of float32.

    A runtime rounds differently in every layer; some networks make much of that, at an edge between two answers.
    """
    generator = np.random.default_rng(0)
    shares = [0.0] * len(expected)
    for number in range(NUDGES):
        nudged = [
            np.nextafter(one, np.where(generator.random(one.shape) < 0.5, -inf, inf).astype(one.dtype))
            if one.dtype.kind == "f"
            else one
            for one in network.sets
        ]
        for place, (exact, made) in enumerate(zip(expected, run(network, nudged, f"nudged-{number}"), strict=True)):
            scale = float(np.abs(exact).max(initial=0.0)) or 1.0
            shares[place] = max(shares[place], float(np.abs(made.astype(float) - exact).max(initial=0.0)) / scale)
    return shares


def reference(network: OwnNetwork) -> Arrays:
    """The outputs of the network, computed once.

    Raises:
        UsageError: one is not finite.
    """
    path = network.work / REFERENCE
    if path.is_file():
        return load_arrays(path)
    found = run(network, network.sets, path.stem)
    for one, array in zip(network.traced.outputs, found, strict=True):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            number = next(place for place, row in enumerate(array) if not np.isfinite(row).all())
            raise UsageError(
                f"the output {one.name!r} of {network.name} is not finite for set {number} of the inputs",
                "look at its weights, or leave that set out",
            )
    return found


def run(network: OwnNetwork, sets: Arrays, name: str) -> Arrays:
    """The outputs of the network on sets of inputs; they are kept in its folder by that name."""
    path, program = network.work / f"{name}.npz", network.program().path
    limit_s, what = network.options.timeout_s, f"running {network.name}"
    if network.file is not None:
        shapes = network.file.artifact.input_shapes
        save_arrays(path, outputs_of(program, "onnxruntime", sets, shapes, limit_s, what))
    else:
        given = network.work / f"{name}-inputs.npz"
        save_arrays(given, sets)
        request = ReferenceRequest(program=program, sets=given, outputs=path)
        run_isolated(own_jobs.reference, request, limit_s, what, imports=PROGRAM)
    return load_arrays(path)
