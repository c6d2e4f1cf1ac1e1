"""Make biases fit into int8's sums in an ONNX file; see :mod:`edgekit.convert.int8.bias_room`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..int8.bias_room import raised_weight, step_of

if TYPE_CHECKING:
    from onnx import ModelProto


def make_room(model: ModelProto, ranges: Mapping[str, tuple[float, float]]) -> int:
    """Raise the weights of convolutions and linear layers in place; returns in how many layers.

    Args:
        model: in float.
        ranges: smallest and largest value of each tensor, by name.
    """
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    changed = 0
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3 or node.input[0] not in ranges:
            continue
        if not {node.input[1], node.input[2]} <= constants.keys():
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Gemm" and not attributes.get("transB"):
            continue  # its output channels lie along the other axis
        kept = constants[node.input[1]]
        weight, bias = (torch.from_numpy(np.array(numpy_helper.to_array(constants[name]))) for name in node.input[1:3])
        if bias.shape != weight.shape[:1]:
            continue
        raised = raised_weight(weight, bias, step_of(*ranges[node.input[0]]))
        if not torch.equal(raised, weight):
            kept.CopyFrom(numpy_helper.from_array(raised.numpy(), kept.name))
            changed += 1
    return changed
