"""One range for the tensors that concatenations join, in ONNX Runtime's int8 models.

Its quantizer gives each a range of its own. QLinearConcat then maps every value of an input to the result's scale by a
table, 5 to 10 times the work of copying it, and rounds once more. With one range, the union, it copies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

JOINING = "Concat"
SHARING = (
    "AveragePool", "Flatten", "Gather", "MaxPool", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
"""Operators whose results the quantizer writes with the scale of their first input, whatever their own range."""

FOLDED = ("Clip", "Relu")
"""What the quantizer leaves to the rounding in front of it, unless activations are symmetric."""

Override = list[dict[str, Any]]


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

    sets = joined_sets(onnx.load_model(path), float_nodes, symmetric)
    ends = {name: (float(entry["rmin"]), float(entry["rmax"])) for name, (entry,) in known.items()}
    if not ends.keys() >= {name for names in sets for name in names}:
        ends = smallest_and_largest(path, reader) | ends
    tied: dict[str, Override] = {}
    for names in sets:
        ranges = [ends[name] for name in names if name in ends]  # what is no float has none
        low, high = min((low for low, _ in ranges), default=0.0), max((high for _, high in ranges), default=0.0)
        if low < high:
            tied |= {name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name in names if name in ends}
    return tied


def smallest_and_largest(path: Path, reader: Any) -> dict[str, tuple[float, float]]:
    """The range of every tensor around concatenations and what shares scales, by ONNX Runtime's calibrator."""
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    augmented = path.with_name("observed.onnx")
    tool = create_calibrator(
        path, [JOINING, *SHARING], augmented_model_path=str(augmented), calibrate_method=CalibrationMethod.MinMax
    )
    tool.collect_data(reader)
    seen = tool.compute_data().items()
    augmented.unlink()
    return {name: (float(np.min(low)), float(np.max(high))) for name, data in seen for low, high in [data.range_value]}


def joined_sets(model: ModelProto, float_nodes: Collection[str] = (), symmetric: bool = False) -> list[list[str]]:
    """Names of the activations that concatenations, and operators that share their input's scale, tie together.

    A result that only a ReLU reads is the ReLU's own in the int8 model, with a range that clips: it is in no set.
    """
    quantized = [node for node in model.graph.node if node.name not in float_nodes]
    constants = {tensor.name for tensor in model.graph.initializer}
    ends = {output.name for output in model.graph.output}
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    def is_folded(name: str) -> bool:
        first, *others = readers.get(name, [None])
        return (
            first is not None
            and not others
            and first.op_type in FOLDED
            and first.name not in float_nodes
            and name not in ends
            and not symmetric
        )

    def tensors(node: NodeProto) -> Iterator[str]:
        yield from (name for name in (node.input if node.op_type == JOINING else node.input[:1]))
        yield from node.output

    concatenated = []
    for node in quantized:
        if node.op_type not in (JOINING, *SHARING) or all(map(is_folded, node.output)):
            continue
        first, *others = (name for name in tensors(node) if name not in constants and not is_folded(name))
        for name in others:
            leader[find(name)] = find(first)
        if node.op_type == JOINING and others:
            concatenated.append(first)
    sets: dict[str, list[str]] = {}
    for name in leader:
        sets.setdefault(find(name), []).append(name)
    return [sets[root] for root in dict.fromkeys(map(find, concatenated))]
