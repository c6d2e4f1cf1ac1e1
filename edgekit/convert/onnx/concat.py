"""One range for the tensors that concatenations join, in ONNX Runtime's int8 models.

Its quantizer gives each a range of its own. QLinearConcat then maps every value of an input to the result's scale by a
table, 5 to 10 times the work of copying it, and rounds once more. With one range, the union, it copies. What a folded
activation clips by its range keeps that range where the union is wider.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .readers import readers_of

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

JOINING = "Concat"
SHARING = (
    "AveragePool", "Flatten", "Gather", "MaxPool", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
"""Operators whose results get the scale of their first input from the quantizer, whatever their own range."""

FOLDED = ("Clip", "Relu")
"""Activations that the quantizer folds into the rounding before them, unless activations are symmetric."""

STEPS = 255  # between the codes of 8 bits

Override = list[dict[str, Any]]
"""A value of ONNX Runtime's ``TensorQuantOverrides``, whose shape is that package's own."""


def tie_ranges(
    path: Path, reader: Any, known: dict[str, Override], float_nodes: Collection[str], symmetric: bool
) -> dict[str, Override]:
    """The quantizer's ``TensorQuantOverrides`` for the tensors that concatenations join: the union of their ranges.

    Args:
        path: the float model.
        reader: feeds the calibration inputs; read only where a range is not known.
        known: overrides with the ranges that are not smallest and largest value.
        float_nodes: names of the nodes that stay in float.
        symmetric: activations are quantized around zero.
    """
    import onnx

    model = onnx.load_model(path)
    sets = joined_sets(model, float_nodes, symmetric)
    clipped = limits(model, folded(model, float_nodes, symmetric).values())
    ends = {name: (float(entry["rmin"]), float(entry["rmax"])) for name, (entry,) in known.items()}
    if not ends.keys() >= {name for names in sets for name in names}:
        ends = smallest_and_largest(path, reader) | ends
    tied: dict[str, Override] = {}
    for names in sets:
        ranges = [ends[name] for name in names if name in ends]  # what is no float has none
        low, high = min((low for low, _ in ranges), default=0.0), max((high for _, high in ranges), default=0.0)
        if low < high:
            half = (high - low) / STEPS / 2  # what rounding takes away
            for name in names:
                least, most = clipped.get(name, (-inf, inf))
                if name in ends and least <= low + half and high - half <= most:
                    tied[name] = [{"rmin": np.float32(low), "rmax": np.float32(high)}]
    return tied


def smallest_and_largest(
    path: Path, reader: Any, kinds: Sequence[str] = (JOINING, *SHARING)
) -> dict[str, tuple[float, float]]:
    """The range of every tensor around operators of these kinds, by ONNX Runtime's calibrator."""
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    augmented = path.with_name("observed.onnx")
    tool = create_calibrator(
        path, list(kinds), augmented_model_path=str(augmented), calibrate_method=CalibrationMethod.MinMax
    )
    tool.collect_data(reader)
    seen = tool.compute_data().items()
    augmented.unlink()
    return {name: (float(np.min(low)), float(np.max(high))) for name, data in seen for low, high in [data.range_value]}


def folded(model: ModelProto, float_nodes: Collection[str] = (), symmetric: bool = False) -> dict[str, NodeProto]:
    """What only an activation reads that the quantizer folds: the int8 model has the activation's result instead."""
    ends = {end.name for end in (*model.graph.input, *model.graph.output)}
    return {
        name: first
        for name, (first, *others) in readers_of(model).items()
        if not (others or symmetric or name in ends or first.name in float_nodes)
        and first.op_type in FOLDED
        and first.input[0] == name
    }


def limits(model: ModelProto, activations: Iterable[NodeProto]) -> dict[str, tuple[float, float]]:
    """Between what each folded activation's result has to stay: in the int8 model nothing but its range clips it."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def bound(name: str, none: float) -> float:
        if name in constants:
            return float(numpy_helper.to_array(constants[name]).item())
        return -none if name else none  # what is computed may be anything

    found: dict[str, tuple[float, float]] = {}
    for node in activations:
        least, most = [*node.input, "", ""][1:3]
        low, high = found.get(node.input[0], (-inf, inf))
        low = max(low, 0.0 if node.op_type == "Relu" else bound(least, -inf))
        found[node.output[0]] = low, min(high, bound(most, inf))
    return found


def joined_sets(model: ModelProto, float_nodes: Collection[str] = (), symmetric: bool = False) -> list[list[str]]:
    """Names of the activations that concatenations, and operators that share their input's scale, tie together.

    A result that only a ReLU reads is the ReLU's own in the int8 model, with a range that clips: it is in no set.
    """
    quantized = [node for node in model.graph.node if node.name not in float_nodes]
    absent = {"", *(tensor.name for tensor in model.graph.initializer), *folded(model, float_nodes, symmetric)}
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    concatenated = []
    for node in quantized:
        if node.op_type not in (JOINING, *SHARING) or absent.issuperset(node.output):
            continue
        sources = node.input if node.op_type == JOINING else node.input[:1]
        first, *others = (name for name in (*sources, *node.output) if name not in absent)
        for name in others:
            leader[find(name)] = find(first)
        if node.op_type == JOINING and others:
            concatenated.append(first)
    sets: dict[str, list[str]] = {}
    for name in leader:
        sets.setdefault(find(name), []).append(name)
    return [sets[root] for root in dict.fromkeys(map(find, concatenated))]
