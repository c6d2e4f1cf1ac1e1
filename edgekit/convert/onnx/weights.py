"""Weight scales for ONNX Runtime's quantizer on CPUs that saturate: 8 bits as far as no pair of products overflows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..int8.weight_range import largest_weight
from .concat import Override

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto


def weight_overrides(model: ModelProto) -> dict[str, Override]:
    """The quantizer's ``TensorQuantOverrides`` for the weights of every Conv and Gemm of the float ``model``."""
    found: dict[str, Override] = {}
    for layer in weighted(model):
        depthwise = layer.weight.shape[1] == 1 and layer.groups == len(layer.weight) > 1
        found[layer.node.input[1]] = [
            {"axis": 0, "symmetric": True, "reduce_range": False, "rmin": np.float32(-end), "rmax": np.float32(end)}
            for end in largest_weight(layer.weight, depthwise).clamp(min=1e-12).tolist()
        ]
    return found


@dataclass(frozen=True)
class Weighted:
    """A convolution or linear layer with constant weights, whose output channels come first.

    Attributes:
        kept: the weights in the file; ``weight`` are their values, ``(out, ...)``.
    """

    node: NodeProto
    kept: TensorProto
    weight: Tensor
    groups: int


def weighted(model: ModelProto) -> Iterator[Weighted]:
    """Every Conv and Gemm with such weights; a Gemm whose output channels lie along the other axis is left out."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm") or node.input[1] not in constants:
            continue
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Gemm" and not attributes.get("transB"):
            continue
        kept = constants[node.input[1]]
        weight = torch.from_numpy(np.array(numpy_helper.to_array(kept)))
        yield Weighted(node, kept, weight, attributes.get("group", 1))
