"""Make biases fit into int8's sums in an ONNX file; see :mod:`edgekit.convert.int8.bias_room`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..int8.bias_room import raised_weight, step_of
from .weights import weighted

if TYPE_CHECKING:
    from onnx import ModelProto


def make_room(model: ModelProto, ranges: Mapping[str, tuple[float, float]]) -> int:
    """Raise the weights of convolutions and linear layers in place; returns in how many layers.

    Args:
        model: in float.
        ranges: smallest and largest value of each tensor, by name.
    """
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    changed = 0
    for layer in weighted(model):
        given, kept = layer.node.input, layer.kept
        if len(given) < 3 or given[0] not in ranges or given[2] not in constants:
            continue
        bias = torch.from_numpy(np.array(numpy_helper.to_array(constants[given[2]])))
        if bias.shape != layer.weight.shape[:1]:
            continue
        raised = raised_weight(layer.weight, bias, step_of(*ranges[given[0]]))
        if not torch.equal(raised, layer.weight):
            kept.CopyFrom(numpy_helper.from_array(raised.numpy(), kept.name))
            changed += 1
    return changed
