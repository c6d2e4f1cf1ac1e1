"""ONNX operators that compute element by element, or along an axis. Source: ONNX's operator reference."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor

from .node import DTYPES, Node, NotKnown, Operator


def plain(function: Any) -> Operator:
    """An operator that is a function of PyTorch and has no attributes."""
    return lambda _, *values: function(*values)


def folded(function: Any) -> Operator:
    """An operator of any number of inputs, taken two by two."""
    return lambda _, *values: reduce(function, values)


def divide(_: Node, left: Tensor, right: Tensor) -> Tensor:
    """Integers are divided towards zero."""
    return left / right if left.is_floating_point() else torch.div(left, right, rounding_mode="trunc")


def clip(node: Node, values: Tensor, *bounds: Tensor | None) -> Tensor:
    """Between two bounds; either may be left out, or depend on the network's input."""
    if any(node.has(place) and place not in node.known for place in (1, 2)):
        low, high = [*bounds, None][:2]
        values = values if low is None else torch.maximum(values, low)
        return values if high is None else torch.minimum(values, high)
    low, high = node.setting("min", 1), node.setting("max", 2)
    if low == 0 and high == 6:
        return F.relu6(values)
    if low == 0 and high is None:
        return F.relu(values)
    return values if low is None and high is None else torch.clamp(values, low, high)


def hard_sigmoid(node: Node, values: Tensor) -> Tensor:
    """``clamp(alpha x + beta, 0, 1)``; PyTorch's own where the numbers are the same."""
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-5) and math.isclose(beta, 0.5):
        return F.hardsigmoid(values)
    return torch.clamp(alpha * values + beta, 0.0, 1.0)


def parametric_relu(_: Node, values: Tensor, slope: Tensor) -> Tensor:
    """A slope for all, for each channel, or of another shape; no comparisons, which TFLite's delegate leaves out."""
    if slope.numel() == 1 or (values.ndim > 1 and slope.numel() == values.shape[1] == slope.shape[0]):
        return F.prelu(values, slope.reshape(-1))
    above = F.relu(values)
    return above + slope * (values - above)


def softmax(function: Any) -> Operator:
    """Along one axis; before opset 13 along all axes from that one on."""

    def compute(node: Node, values: Tensor) -> Tensor:
        if node.opset >= 13:
            made: Tensor = function(values, dim=node.get("axis", -1))
            return made
        axis = node.get("axis", 1) % values.ndim
        rows = values.flatten(axis)
        return function(rows, dim=-1).reshape(values.shape)  # type: ignore[no-any-return]

    return compute


def gelu(node: Node, values: Tensor) -> Tensor:
    """Exact, or by tanh."""
    return F.gelu(values, approximate=node.get("approximate", "none"))


def cast(node: Node, values: Tensor) -> Tensor:
    """To another type."""
    dtype = DTYPES.get(node.attributes["to"])
    if dtype is None:
        raise NotKnown(f"it casts to ONNX's type {node.attributes['to']}")
    return values.to(dtype)


def reduction(function: Any) -> Operator:
    """Along the axes of an attribute or, in newer opsets, of an input; along all where there are none."""

    def compute(node: Node, values: Tensor, *_: Tensor) -> Tensor:
        axes = node.setting("axes", 1)
        if not axes:
            if node.get("noop_with_empty_axes", 0):
                return values
            axes = list(range(values.ndim))
        made: Tensor = function(values, axes, bool(node.get("keepdims", 1)))
        return made

    return compute


def chosen(function: Any) -> Operator:
    """The index of the largest or smallest along an axis."""

    def compute(node: Node, values: Tensor) -> Tensor:
        if node.get("select_last_index", 0):
            raise NotKnown("select_last_index is set")
        made: Tensor = function(values, dim=node.get("axis", 0), keepdim=bool(node.get("keepdims", 1)))
        return made

    return compute


OPERATORS: dict[str, Operator] = {
    "Add": plain(torch.add),
    "Sub": plain(torch.sub),
    "Mul": plain(torch.mul),
    "Div": divide,
    "Pow": plain(torch.pow),
    "Sum": folded(torch.add),
    "Mean": lambda _, *values: reduce(torch.add, values) / len(values),
    "Min": folded(torch.minimum),
    "Max": folded(torch.maximum),
    "Clip": clip,
    "Relu": plain(F.relu),
    "LeakyRelu": lambda node, x: F.leaky_relu(x, node.get("alpha", 0.01)),
    "Elu": lambda node, x: F.elu(x, node.get("alpha", 1.0)),
    "PRelu": parametric_relu,
    "Sigmoid": plain(torch.sigmoid),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": plain(F.hardswish),
    "Tanh": plain(torch.tanh),
    "Softplus": plain(F.softplus),
    "Mish": plain(F.mish),
    "Gelu": gelu,
    "Erf": plain(torch.erf),
    "Softmax": softmax(torch.softmax),
    "LogSoftmax": softmax(torch.log_softmax),
    "ReduceMean": reduction(torch.mean),
    "ReduceSum": reduction(torch.sum),
    "ReduceMax": reduction(torch.amax),
    "ReduceMin": reduction(torch.amin),
    "ReduceL2": reduction(lambda x, axes, keep: torch.sqrt(torch.sum(x * x, axes, keep))),
    "ArgMax": chosen(torch.argmax),
    "ArgMin": chosen(torch.argmin),
    "Cast": cast,
    "Where": plain(torch.where),
    **{
        kind: plain(getattr(torch, name))
        for kind, name in {
            "Abs": "abs",
            "And": "logical_and",
            "Ceil": "ceil",
            "Cos": "cos",
            "Equal": "eq",
            "Exp": "exp",
            "Floor": "floor",
            "Greater": "gt",
            "GreaterOrEqual": "ge",
            "Less": "lt",
            "LessOrEqual": "le",
            "Log": "log",
            "Neg": "neg",
            "Not": "logical_not",
            "Or": "logical_or",
            "Reciprocal": "reciprocal",
            "Round": "round",
            "Sign": "sign",
            "Sin": "sin",
            "Sqrt": "sqrt",
        }.items()
    },
}
