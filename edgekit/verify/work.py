"""Multiply-accumulates and parameters of a file, from the shapes of what its operators read and write."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..types.answers import Node, Tensor
from .roles import WEIGHTED, weights

TRANSPOSED = {"ConvTranspose", "TRANSPOSE_CONV", "ConvolutionBackpropData", "GroupConvolutionBackpropData"}
MATRIX = {"Gemm", "MatMul", "FULLY_CONNECTED", "BATCH_MATMUL"}


def count_macs(nodes: Sequence[Node], tensors: Sequence[Tensor]) -> int | None:
    """Multiply-accumulates of the convolutions and matrix products of one inference; None where a shape is not known.

    Args:
        nodes: the file's operators.
        tensors: its tensors.
    """
    shapes = {t.id: t.shape for t in tensors}
    total = 0
    for node in nodes:
        places = WEIGHTED.get(node.type)
        if places is None:
            continue
        ids = [*(node.reads[place] for place in places), node.writes[0]]
        given, weight, made = (shapes.get(key) for key in ids)
        if not given or not weight or not made or min(*given, *weight, *made) < 1:
            return None
        total += macs_of(node.type, given, weight, made)
    return total


def macs_of(kind: str, given: Sequence[int], weight: Sequence[int], made: Sequence[int]) -> int:
    """Those of one operator, from the shapes of its data, its weight and its result.

    Of a convolution each element of the result (of a transposed one, of the data) meets one filter; of a matrix product
    each element of the result is a sum over the dimension that both operands have.
    """
    if kind == "FULLY_CONNECTED":
        return prod(made) * weight[-1]
    if kind in MATRIX:
        return prod(made) * (given[-1] if given[-1] in weight[-2:] else given[-2])
    channels = {"TRANSPOSE_CONV": weight[-1], "DEPTHWISE_CONV_2D": weight[-1]}.get(kind, weight[0])
    if kind.startswith("Group"):
        channels = weight[0] * weight[1]
    return prod(weight) // channels * prod(given if kind in TRANSPOSED else made)


def count_parameters(nodes: Sequence[Node], tensors: Sequence[Tensor]) -> int:
    """Elements of the constants that convolutions and matrix products multiply with."""
    return sum(prod(t.shape) for t in weights(nodes, tensors) if t.shape is not None)
