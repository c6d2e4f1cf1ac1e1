"""Operators of a traced program that litert-torch writes with comparisons, padding or copies that XNNPACK leaves out.

The others written here compute the same, and the delegate takes them. Those with an exponential are good for int8 too:
what it gives stays between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from operator import getitem
from typing import Any

import torch
from torch import fx

from .worded_padding import each

ATEN = torch.ops.aten
Writer = Callable[[fx.Graph, fx.Node], fx.Node | None]
UNSIGNED = {"abs", "exp", "hardsigmoid", "relu", "relu_", "relu6", "relu6_", "sigmoid", "softmax", "square"}
"""Operators whose results are never negative."""
BOUNDED: dict[str, tuple[Any, ...]] = {
    "clamp": (None, None), "clamp_min": (None,), "hardtanh": (-1.0, 1.0), "hardtanh_": (-1.0, 1.0)
}  # fmt: skip
"""Operators whose first setting is the smallest result, with their settings where a call does not say them."""
KEEPING = {
    "adaptive_avg_pool2d", "avg_pool2d", "cat", "clone", "contiguous", "dropout", "flatten", "max_pool2d", "permute",
    "reshape", "slice", "squeeze", "transpose", "unsqueeze", "view",
}  # fmt: skip
"""Operators whose results are negative only where something that they read is."""


broadcast: Callable[..., torch.Size] = torch.broadcast_shapes
TAPS = 25
"""Of a depthwise layer: XNNPACK computes larger ones as dense layers, in int8 five times slower."""
SPREADING = {f"aten.{kind}.Tensor" for kind in ("add", "div", "mul", "sub")}
"""Operators of two tensors that spread one to the shape of the other."""


def said(node: fx.Node, *usual: Any) -> list[Any]:
    """The arguments of a call after the first, with the usual ones where it does not say them."""
    operator: Any = node.target
    names = [one.name for one in operator._schema.arguments][1:]  # noqa: SLF001 - nothing public names the arguments
    given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    return [given.get(name, value) for name, value in zip(names, usual, strict=True)]


def exponential(graph: fx.Graph, x: Any, alpha: float, scale: float, steep: float) -> fx.Node:
    """``scale`` times x where it is positive, else ``scale * alpha * (exp(steep * x) - 1)``: both as a sum."""
    call = graph.call_function
    above = call(ATEN.relu.default, (x,))
    below = call(ATEN.sub.Tensor, (x, above))  # a minimum with a constant stays in float in int8 files
    if steep != 1:
        below = call(ATEN.mul.Tensor, (below, steep))
    curve = call(ATEN.sub.Tensor, (call(ATEN.exp.default, (below,)), 1.0))
    if alpha * scale != 1:
        curve = call(ATEN.mul.Tensor, (curve, alpha * scale))
    if scale != 1:
        above = call(ATEN.mul.Tensor, (above, scale))
    return call(ATEN.add.Tensor, (above, curve))


def elu(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """ELU."""
    alpha, scale, steep = said(node, 1.0, 1.0, 1.0)
    return exponential(graph, node.args[0], float(alpha), float(scale), float(steep))


def selu(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """SELU, with the constants of its paper (https://arxiv.org/abs/1706.02515)."""
    return exponential(graph, node.args[0], 1.6732632423543772, 1.0507009873554805, 1.0)


def celu(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """CELU."""
    (alpha,) = said(node, 1.0)
    return exponential(graph, node.args[0], float(alpha), 1.0, 1 / float(alpha))


def logarithm_of_sum(graph: fx.Graph, x: Any, steep: float) -> fx.Node:
    """``log(1 + exp(steep * x)) / steep``, as what is positive of x and a rest that stays small."""
    call = graph.call_function
    size = call(ATEN.mul.Tensor, (call(ATEN.abs.default, (x,)), -steep))
    rest = call(ATEN.log1p.default, (call(ATEN.exp.default, (size,)),))
    if steep != 1:
        rest = call(ATEN.mul.Tensor, (rest, 1 / steep))
    return call(ATEN.add.Tensor, (call(ATEN.relu.default, (x,)), rest))


def softplus(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """Softplus; its threshold is where float32 sees no difference any more, or it is left as it is."""
    steep, threshold = said(node, 1.0, 20.0)
    return logarithm_of_sum(graph, node.args[0], float(steep)) if threshold >= 16 and steep > 0 else None


def mish(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """Mish."""
    curve = graph.call_function(ATEN.tanh.default, (logarithm_of_sum(graph, node.args[0], 1.0),))
    return graph.call_function(ATEN.mul.Tensor, (node.args[0], curve))


def pooled(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """A padded maximum, padded with what changes no maximum instead of the smallest number.

    That is zero where nothing is negative; else the rows and columns at the edges, which each such window holds anyway.
    """
    given: Any = node.args[0]
    kernel, stride, padding, dilation, ceil = said(node, None, (), 0, 1, False)
    sizes, steps, sides = windows(kernel, stride, padding)
    apart = each(dilation, 2)
    if ceil or not any(sides) or len(given.meta["val"].shape) != 4 or pads_itself(node, sizes, steps, sides):
        return None
    if never_negative(given):
        wide = [sides[1], sides[1], sides[0], sides[0]]
        wider = graph.call_function(ATEN.constant_pad_nd.default, (given, wide, 0.0))
    elif apart == [1, 1]:
        wider = given
        for axis, side in zip((2, 3), sides, strict=True):
            wider = with_edges(graph, wider, axis, side, int(given.meta["val"].shape[axis]))
    else:
        return None
    return graph.call_function(ATEN.max_pool2d.default, (wider, sizes, steps, [0, 0], apart))


def pads_itself(node: fx.Node, sizes: Sequence[int], steps: Sequence[int], sides: Sequence[int]) -> bool:
    """Whether a pool's padding is "SAME", which TFLite's pools have themselves."""
    given: Any = node.args[0]
    before, made = given.meta["val"].shape[-2:], node.meta["val"].shape[-2:]
    return all(
        after == -(-size // step) and (after - 1) * step + window - size == 2 * side
        for size, after, step, window, side in zip(before, made, steps, sizes, sides, strict=True)
    )


def with_edges(graph: fx.Graph, given: Any, axis: int, side: int, size: int) -> Any:
    """A tensor with its first and last values along an axis ``side`` times more."""
    if not side:
        return given
    cut = ATEN.slice.Tensor
    first, last = (graph.call_function(cut, (given, axis, at, at + 1)) for at in (0, size - 1))
    return graph.call_function(ATEN.cat.default, ([*[first] * side, given, *[last] * side], axis))


def averaged(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """A mean that leaves out its padding, as one that counts it, times how much more that is in each window."""
    given: Any = node.args[0]
    kernel, stride, padding, ceil, counted, divisor = said(node, None, (), 0, False, True, None)
    sizes, steps, sides = windows(kernel, stride, padding)
    odd = ceil or divisor is not None or len(given.meta["val"].shape) != 4
    if odd or counted or not any(sides) or pads_itself(node, sizes, steps, sides):
        return None
    mean = graph.call_function(ATEN.avg_pool2d.default, (given, sizes, steps, sides))
    return without_padding(graph, mean, given, sizes, steps, sides)


def averaged_by_a_layer(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """A mean of small windows as a depthwise layer, as XNNPACK has no int8 means of windows."""
    given: Any = node.args[0]
    kernel, stride, padding, ceil, counted, divisor = said(node, None, (), 0, False, True, None)
    sizes, steps, sides = windows(kernel, stride, padding)
    shape = given.meta["val"].shape
    if ceil or divisor is not None or len(shape) != 4 or prod(sizes) > TAPS:
        return averaged(graph, node)
    channels = int(shape[1])
    weights = constant(graph, torch.full((channels, 1, *sizes), 1 / prod(sizes)))
    mean = graph.call_function(ATEN.conv2d.default, (given, weights, None, steps, sides, [1, 1], channels))
    return mean if counted or not any(sides) else without_padding(graph, mean, given, sizes, steps, sides)


def without_padding(
    graph: fx.Graph, mean: fx.Node, given: Any, sizes: list[int], steps: list[int], sides: list[int]
) -> fx.Node:
    """A mean of windows over its share of each that is no padding."""
    ones = torch.ones(1, 1, *(int(size) for size in given.meta["val"].shape[2:]))
    share = torch.nn.functional.avg_pool2d(ones, sizes, steps, sides)
    return graph.call_function(ATEN.mul.Tensor, (mean, constant(graph, 1 / share)))


def windows(kernel: Any, stride: Any, padding: Any) -> tuple[list[int], list[int], list[int]]:
    """Sizes, steps and padding of a pool's windows by axis; the steps are the sizes where a call does not say them."""
    sizes = each(kernel, 2)
    return sizes, each(stride, 2) if stride else sizes, each(padding, 2)


def never_negative(node: fx.Node) -> bool:
    """Whether what a node gives has no negative values, by the operators that make it."""
    while node.op == "call_function" and node.target is not getitem:
        kind = str(node.target).split(".")[1]
        if kind in UNSIGNED:
            return True
        if kind in BOUNDED:
            least = said(node, *BOUNDED[kind])[0]
            return isinstance(least, int | float) and least >= 0
        if kind not in KEEPING:
            return False
        if len(node.all_input_nodes) != 1:
            return all(map(never_negative, node.all_input_nodes))
        (node,) = node.all_input_nodes
    return False


def spread(_: fx.Graph, node: fx.Node) -> None:
    """Whoever reads a tensor that was spread to a larger shape, and would spread it by itself, reads it as it was."""
    given: Any = node.args[0]
    users: list[fx.Node] = list(node.users)
    for user in users:
        if str(user.target) not in SPREADING or not all("val" in one.meta for one in (user, *user.all_input_nodes)):
            continue
        shapes = [(given if one is node else one).meta["val"].shape for one in user.all_input_nodes]
        if broadcast(*shapes) == user.meta["val"].shape:
            user.replace_input_with(node, given)


def group_norm(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """By the means of channels, then of groups: images keep their layout, and nothing is spread out."""
    given: Any = node.args[0]
    groups, weight, bias, epsilon, _ = said(node, None, None, None, 1e-5, True)
    shape = given.meta["val"].shape
    if len(shape) != 4 or not all(isinstance(size, int) for size in shape) or not prod(shape):
        return None
    call, channels = graph.call_function, int(shape[1])
    tables: list[fx.Node] = []  # of each group's channels, and of each channel's group
    if groups != channels:
        own = torch.eye(groups).repeat_interleave(channels // groups, 1)[:, :, None, None]
        tables = [constant(graph, one) for one in (own * groups / channels, own.transpose(0, 1).contiguous())]

    def of_groups(values: fx.Node) -> fx.Node:
        """The mean of each group of channels, for each of its channels: ``(N, channels, 1, 1)``."""
        means = call(ATEN.mean.dim, (values, [2, 3], True))
        for table in tables:
            means = call(ATEN.conv2d.default, (means, table))
        return means

    centred = call(ATEN.sub.Tensor, (given, of_groups(given)))
    variance = of_groups(call(ATEN.mul.Tensor, (centred, centred)))
    scale = call(ATEN.rsqrt.default, (call(ATEN.add.Tensor, (variance, float(epsilon))),))
    if weight is not None:
        scale = call(ATEN.mul.Tensor, (scale, call(ATEN.reshape.default, (weight, [1, channels, 1, 1]))))
    made = call(ATEN.mul.Tensor, (centred, scale))
    if bias is not None:
        made = call(ATEN.add.Tensor, (made, call(ATEN.reshape.default, (bias, [1, channels, 1, 1]))))
    return made


def constant(graph: fx.Graph, value: torch.Tensor) -> fx.Node:
    """A node that reads a new constant."""
    network = graph.owning_module
    assert network is not None
    place = 0
    while hasattr(network, f"written_{place}"):
        place += 1
    network.register_buffer(f"written_{place}", value)
    return graph.get_attr(f"written_{place}")


INT8_WRITERS: dict[str, Writer] = {"aten.avg_pool2d.default": averaged_by_a_layer}
"""As :data:`WRITERS`, of int8 files alone."""
WRITERS: dict[str, Writer] = {
    "aten.avg_pool2d.default": averaged,
    "aten.celu.default": celu,
    "aten.elu.default": elu,
    "aten.expand.default": spread,
    "aten.expand_as.default": spread,
    "aten.group_norm.default": group_norm,
    "aten.max_pool2d.default": pooled,
    "aten.mish.default": mish,
    "aten.selu.default": selu,
    "aten.softplus.default": softplus,
}
"""By the operator: what writes others in its place, or leaves it."""
