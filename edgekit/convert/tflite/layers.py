"""Layers with weights, and pools, as TFLite operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arithmetic import reshape
from .window import Window
from .writer import CHANNELS_LAST, NONE, RELU, RELU6, SAME, VALID, NotWritable, Value, Writer, array

if TYPE_CHECKING:
    from torch import nn


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """An argument of a 2-D layer for both dimensions."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def bias_of(layer: nn.Conv2d | nn.Linear, count: int) -> Any:
    """The bias, zeros where there is none: kernels and quantizers want one."""
    return np.zeros(count) if layer.bias is None else array(layer.bias)


def convolution(to: Writer, layer: nn.Conv2d, x: Value) -> Value:
    """CONV_2D (also grouped), or DEPTHWISE_CONV_2D where each input channel has filters of its own."""
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise NotWritable(f"{to.label}: padding {layer.padding} {layer.padding_mode}")
    x = to.stored(x, CHANNELS_LAST)
    kernel, stride, pads, dilation = (pair(v) for v in (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
    windows = [Window(x.shape[1 + i], kernel[i], stride[i], pads[i], dilation[i]) for i in (0, 1)]
    shape = (x.shape[0], windows[0].out, windows[1].out, layer.out_channels)
    x, padding = to.framed(x, windows)
    weight = array(layer.weight)
    options = {
        "padding": padding,
        "strideH": stride[0],
        "strideW": stride[1],
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": NONE,
    }
    kind, order = "CONV_2D", (0, 2, 3, 1)
    if layer.groups == layer.in_channels > 1:
        kind, order = "DEPTHWISE_CONV_2D", (1, 2, 3, 0)
        options["depthMultiplier"] = layer.out_channels // layer.in_channels
    inputs = [x.tensor, to.constant(weight.transpose(order)), to.constant(bias_of(layer, layer.out_channels))]
    return to.emit(kind, inputs, shape, CHANNELS_LAST, **options)


def linear(to: Writer, layer: nn.Linear, x: Value) -> Value:
    """FULLY_CONNECTED on ``(N, C)``."""
    x = to.stored(x, (0, 1))
    inputs = [x.tensor, to.constant(array(layer.weight)), to.constant(bias_of(layer, layer.out_features))]
    return to.emit("FULLY_CONNECTED", inputs, (x.shape[0], layer.out_features), (0, 1), fusedActivationFunction=NONE)


def max_pool(to: Writer, layer: nn.MaxPool2d, x: Value) -> Value:
    """MAX_POOL_2D. Zeros around values that are not negative stand for PyTorch's minus infinity."""
    if layer.dilation not in (1, (1, 1)) or layer.return_indices:
        raise NotWritable(f"{to.label}: {layer}")
    return pool(to, "MAX_POOL_2D", layer, x, not_negative(to, x))


def average_pool(to: Writer, layer: nn.AvgPool2d, x: Value) -> Value:
    """AVERAGE_POOL_2D; the zeros around the input count, as they do in PyTorch."""
    if layer.ceil_mode or layer.divisor_override is not None or not layer.count_include_pad:
        raise NotWritable(f"{to.label}: {layer}")
    return pool(to, "AVERAGE_POOL_2D", layer, x, zeros_fit=True)


def pool(to: Writer, kind: str, layer: nn.MaxPool2d | nn.AvgPool2d, x: Value, zeros_fit: bool) -> Value:
    """A pool; SAME leaves what is outside out of the maximum, but also out of the average's divisor."""
    x = to.stored(x, CHANNELS_LAST)
    kernel, stride, pads = (pair(v) for v in (layer.kernel_size, layer.stride, layer.padding))
    windows = [Window(x.shape[1 + i], kernel[i], stride[i], pads[i], ceil=bool(layer.ceil_mode)) for i in (0, 1)]
    shape = (x.shape[0], windows[0].out, windows[1].out, x.shape[3])
    padding = VALID
    if kind == "MAX_POOL_2D" and all(w.is_same for w in windows):
        padding = SAME
    elif not all(w.is_valid for w in windows):
        if not zeros_fit:
            raise NotWritable(f"{to.label}: padding of values that may be negative")
        x = to.pad(x, (windows[0].pad, windows[1].pad), (windows[0].after, windows[1].after))
    return to.emit(
        kind,
        [x.tensor],
        shape,
        CHANNELS_LAST,
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=kernel[0],
        filterWidth=kernel[1],
        fusedActivationFunction=NONE,
    )


def not_negative(to: Writer, x: Value) -> bool:
    """True for the result of a ReLU."""
    if x.op is None:
        return False
    op = to.graph.ops[x.op]
    return op.kind in ("RELU", "RELU6") or op.options.get("fusedActivationFunction") in (RELU, RELU6)


def global_average(to: Writer, x: Value, size: Any = 1) -> Value:
    """MEAN over rows and columns, which stay as dimensions of size 1."""
    if size not in (1, (1, 1), [1, 1]):
        raise NotWritable(f"{to.label}: adaptive pooling to {size}")
    return mean(to, x, (2, 3), keepdim=True)


def mean(to: Writer, x: Value, dim: Sequence[int], keepdim: bool = False) -> Value:
    """MEAN over dimensions of PyTorch's view."""
    dims = {d % len(x.shape) for d in ([dim] if isinstance(dim, int) else dim)}
    axes = sorted(x.order[d] for d in dims)
    shape = tuple(1 if d in axes else size for d, size in enumerate(x.shape))
    made = to.emit("MEAN", [x.tensor, to.constant(axes, np.int32)], shape, x.order, keepDims=True)
    return made if keepdim else reshape(to, made, *(s for d, s in enumerate(made.view) if d not in dims))
