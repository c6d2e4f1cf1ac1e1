"""Tensors that only a hard-swish reads, written as a sum and a product: their ranges need not go below -3.

Below -3 the gate is zero, and so is the product: cutting these values off changes nothing, and the steps become finer.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..int8.simulation import FLOOR
from .concat import Override, smallest_and_largest
from .readers import readers_of

if TYPE_CHECKING:
    from onnx import ModelProto


def end_at_floor(
    path: Path, reader: Any, known: dict[str, Override], float_nodes: Collection[str]
) -> dict[str, Override]:
    """The quantizer's ``TensorQuantOverrides`` for what hard-swishes read.

    Args:
        path: the float model.
        reader: feeds the calibration inputs; read only where a range is not known.
        known: overrides so far.
        float_nodes: names of the nodes that stay in float.
    """
    import onnx

    names = hard_swish_inputs(onnx.load_model(path), float_nodes)
    if not names:
        return {}
    ends = {name: (float(entry["rmin"]), float(entry["rmax"])) for name, (entry,) in known.items() if "rmin" in entry}
    if not ends.keys() >= set(names):
        ends = smallest_and_largest(path, reader, ["Mul"]) | ends
    return {
        name: [{"rmin": np.float32(max(low, FLOOR)), "rmax": np.float32(high)}]
        for name in names
        for low, high in [ends[name]]
        if max(low, FLOOR) < high
    }


def hard_swish_inputs(model: ModelProto, float_nodes: Collection[str] = ()) -> list[str]:
    """Names of the tensors ``x`` that are read by ``clip(x + 3, 0, 6)`` and its product with ``x`` alone."""
    from onnx import numpy_helper

    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    readers = readers_of(model)

    def alone(name: str, kind: str) -> Any:
        found = readers.get(name, [])
        return found[0] if len(found) == 1 and found[0].op_type == kind else None

    found = []
    for node in model.graph.node:
        three = [name for name in node.input if name in constants and constants[name].size == 1]
        if node.op_type != "Add" or len(three) != 1 or float(constants[three[0]].item()) != -FLOOR:
            continue
        (given,) = [name for name in node.input if name not in three]
        clip = alone(node.output[0], "Clip")
        product = None if clip is None else alone(clip.output[0], "Mul")
        if product is None or node.name in float_nodes or given not in product.input:
            continue
        if [reader.name for reader in readers[given]].count(product.name) == 1 and len(readers[given]) == 2:
            found.append(given)
    return found
