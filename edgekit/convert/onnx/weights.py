"""Weight scales for ONNX Runtime's quantizer on CPUs that saturate: 8 bits as far as no pair of products overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..int8.weight_range import largest_weight
from .concat import Override

if TYPE_CHECKING:
    from onnx import ModelProto


def weight_overrides(model: ModelProto) -> dict[str, Override]:
    """The quantizer's ``TensorQuantOverrides`` for the weights of every Conv and Gemm of the float ``model``."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    found: dict[str, Override] = {}
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm") or node.input[1] not in constants:
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Gemm" and not attributes.get("transB"):
            continue  # its output channels lie along the other axis; the quantizer's 7 bits stay
        weight = torch.from_numpy(np.array(numpy_helper.to_array(constants[node.input[1]])))
        depthwise = weight.shape[1] == 1 and attributes.get("group", 1) == len(weight) > 1
        found[node.input[1]] = [
            {"axis": 0, "symmetric": True, "reduce_range": False, "rmin": np.float32(-end), "rmax": np.float32(end)}
            for end in largest_weight(weight, depthwise).clamp(min=1e-12).tolist()
        ]
    return found
