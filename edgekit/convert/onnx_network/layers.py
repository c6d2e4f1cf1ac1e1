"""ONNX operators that are layers: convolutions, products, pooling, normalisation.

Source: ONNX's operator reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor

from .node import Node, NotKnown, Operator
from .resizing import resized

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX_POOL: dict[int, Any] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE_POOL: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def window(node: Node, values: Tensor, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int], list[int]]:
    """Strides, dilations, and the padding in front of and behind each spatial dimension."""
    rank = len(kernel)
    strides = list(node.get("strides") or [1] * rank)
    dilations = list(node.get("dilations") or [1] * rank)
    pads = list(node.get("pads") or [0] * 2 * rank)
    auto = node.get("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID"):
        # As many results as steps fit; the odd pixel is behind, or in front for SAME_LOWER.
        for place in range(rank):
            size, step = values.shape[2 + place], strides[place]
            reach = (kernel[place] - 1) * dilations[place] + 1
            missing = max((math.ceil(size / step) - 1) * step + reach - size, 0)
            small, large = missing // 2, missing - missing // 2
            pads[place], pads[place + rank] = (large, small) if auto == "SAME_LOWER" else (small, large)
    return strides, dilations, pads[:rank], pads[rank:]


def padded(values: Tensor, before: Sequence[int], after: Sequence[int], filled: float = 0.0) -> Tensor:
    """The values with a border around their spatial dimensions."""
    return F.pad(
        values, [side for pair in zip(reversed(before), reversed(after), strict=True) for side in pair], value=filled
    )


def convolution(node: Node, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Padding that differs on the two sides is done beforehand."""
    strides, dilations, before, after = window(node, values, weight.shape[2:])
    if before != after:
        values, before = padded(values, before, after), [0] * len(before)
    compute: Any = CONV[weight.ndim - 2]
    made: Tensor = compute(values, weight, bias, strides, before, dilations, node.get("group", 1))
    return made


def transposed_convolution(node: Node, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Padding takes away from the result."""
    if node.get("auto_pad", "NOTSET") != "NOTSET" or node.get("output_shape"):
        raise NotKnown("auto_pad or output_shape is set")
    strides, dilations, before, after = window(node, values, weight.shape[2:])
    extra = list(node.get("output_padding") or [0] * len(before))
    compute: Any = CONV_TRANSPOSE[weight.ndim - 2]
    if before == after:
        made: Tensor = compute(values, weight, bias, strides, before, extra, node.get("group", 1), dilations)
        return made
    made = compute(values, weight, bias, strides, 0, extra, node.get("group", 1), dilations)
    for place, (front, back) in enumerate(zip(before, after, strict=True)):
        made = made.narrow(2 + place, front, made.shape[2 + place] - front - back)
    return made


def maximum_pool(node: Node, values: Tensor) -> Tensor:
    """The border never wins, and no window begins in the border behind."""
    if len([name for name in node.outputs if name]) > 1:
        raise NotKnown("it gives indices")
    kernel = node.attributes["kernel_shape"]
    strides, dilations, before, after = window(node, values, kernel)
    if before != after or any(2 * side > size for side, size in zip(before, kernel, strict=True)):
        values, before = padded(values, before, after, -math.inf), [0] * len(before)
    made: Tensor = MAX_POOL[len(kernel)](values, kernel, strides, before, dilations, bool(node.get("ceil_mode", 0)))
    for place, (step, back) in enumerate(zip(strides, after, strict=True)):
        most = math.ceil((values.shape[2 + place] - back) / step)
        if not before[place] and made.shape[2 + place] > most:  # the border is part of the values, and counted
            made = made.narrow(2 + place, 0, most)
    return made


def average_pool(node: Node, values: Tensor) -> Tensor:
    """The border counts as zeros, or not at all."""
    kernel = node.attributes["kernel_shape"]
    strides, dilations, before, after = window(node, values, kernel)
    counted = bool(node.get("count_include_pad", 0))
    if set(dilations) != {1}:
        raise NotKnown("it is dilated")
    if before != after:
        if not counted:
            raise NotKnown("its border differs on the two sides and is not counted")
        values, before = padded(values, before, after), [0] * len(before)
    ceil = bool(node.get("ceil_mode", 0))
    made: Tensor = AVERAGE_POOL[len(kernel)](values, kernel, strides, before, ceil, counted)
    return made


def product(node: Node, left: Tensor, right: Tensor, added: Tensor | None = None) -> Tensor:
    """``alpha A B + beta C``; a linear layer where it is one."""
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    left = left.t() if node.get("transA", 0) else left
    linear = node.get("transB", 0) and alpha == 1.0 and (added is None or (beta == 1.0 and added.ndim == 1))
    if linear:
        made: Tensor = F.linear(left, right, added)
        return made
    made = alpha * (left @ (right.t() if node.get("transB", 0) else right))
    return made if added is None else made + beta * added


def batch_norm(node: Node, values: Tensor, *parameters: Tensor) -> Tensor:
    """With the statistics of training."""
    weight, bias, mean, variance = parameters
    return F.batch_norm(values, mean, variance, weight, bias, False, 0.0, node.get("epsilon", 1e-5))


def layer_norm(node: Node, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Over the dimensions from an axis on."""
    sizes = list(values.shape)[node.get("axis", -1) :]
    return F.layer_norm(values, sizes, weight.reshape(sizes), bias, node.get("epsilon", 1e-5))


def root_mean_square_norm(node: Node, values: Tensor, weight: Tensor) -> Tensor:
    """Over the dimensions from an axis on, without their mean."""
    over = list(range(node.get("axis", -1) % values.ndim, values.ndim))
    mean = values.square().mean(over, keepdim=True)
    return values * torch.rsqrt(mean + node.get("epsilon", 1e-5)) * weight


OPERATORS: dict[str, Operator] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": product,
    "MatMul": lambda _, left, right: torch.matmul(left, right),
    "BatchNormalization": batch_norm,
    "InstanceNormalization": lambda node, x, weight, bias: F.instance_norm(
        x, weight=weight, bias=bias, eps=node.get("epsilon", 1e-5)
    ),
    "LayerNormalization": layer_norm,
    "MaxPool": maximum_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda _, x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
    "GlobalMaxPool": lambda _, x: x.amax(tuple(range(2, x.ndim)), keepdim=True),
    "LpNormalization": lambda node, x: x / torch.linalg.vector_norm(x, node.get("p", 2), node.get("axis", -1), True),
    "RMSNormalization": root_mean_square_norm,
    "Resize": resized,
    "Upsample": resized,
}
