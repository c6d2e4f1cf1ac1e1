"""Operators of a traced program that litert-torch lacks, in others that do the same; and checks, which it lacks too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import getitem
from typing import Any

import torch
from torch import fx

from . import delegated
from .worded_padding import each

ATEN = torch.ops.aten
CHECKS = {
    "aten._assert_async.default",
    "aten._assert_async.msg",
    "aten._assert_scalar.default",
    "aten._assert_tensor_metadata.default",
}
"""They compute nothing, and whoever runs the artifact has no Python to be told in."""


def with_plain_operators(program: torch.nn.Module, *, int8: bool = False) -> torch.nn.Module:
    """A traced program, changed in place: other operators for those of :data:`WRITERS`, and no checks.

    Args:
        program: from :meth:`torch.export.ExportedProgram.module`.
        int8: others too that the delegate lacks in int8 alone.
    """
    assert isinstance(program, fx.GraphModule)
    graph = program.graph
    writers = {**WRITERS, **delegated.INT8_WRITERS} if int8 else WRITERS
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        if str(node.target) in CHECKS:
            graph.erase_node(node)
            continue
        writer = writers.get(str(node.target))
        if writer is None:
            continue
        if not all("val" in one.meta for one in [node, *node.all_input_nodes]):
            continue  # sizes and types are not known
        with graph.inserting_before(node):
            made = writer(graph, node)
        if made is not None:
            made.meta = dict(node.meta)
            node.replace_all_uses_with(made)
            graph.erase_node(node)
    graph.eliminate_dead_code()
    program.recompile()
    return program


def one_hot(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """As a comparison: PyTorch's checks its input in pieces that have no counterpart."""
    given, classes = node.args
    codes = graph.call_function(ATEN.arange.default, (classes,), {"dtype": torch.int64})
    last = graph.call_function(ATEN.unsqueeze.default, (given, -1))
    same = graph.call_function(ATEN.eq.Tensor, (last, codes))
    return graph.call_function(ATEN.to.dtype, (same, torch.int64))


def power(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """By a small whole number or a half as products and roots: TFLite's power takes four dimensions at most."""
    arguments: Any = node.args
    base, exponent = arguments
    size = abs(float(exponent))
    if not base.meta["val"].is_floating_point() or size not in (0.5, 1.0, 2.0, 3.0, 4.0):
        return None
    if size == 0.5:
        made = graph.call_function(ATEN.sqrt.default, (base,))
    else:
        square = base if size == 1 else graph.call_function(ATEN.mul.Tensor, (base, base))
        other = {1.0: None, 2.0: None, 3.0: base, 4.0: square}[size]
        made = square if other is None else graph.call_function(ATEN.mul.Tensor, (square, other))
    return made if float(exponent) > 0 else graph.call_function(ATEN.reciprocal.default, (made,))


def sorting(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """As the largest of all along the last dimension: TFLite has no sorting, and its largest keep equals in order."""
    arguments: Any = node.args
    operator: Any = node.target
    given, value = arguments[0], arguments[0].meta["val"]
    names = [one.name for one in operator._schema.arguments]  # noqa: SLF001 - nothing public names the arguments
    said: dict[str, Any] = {**dict(zip(names, arguments, strict=False)), **node.kwargs}
    axis, falling = int(said.get("dim", -1)), bool(said.get("descending", False))
    if not value.ndim or value.dtype not in (torch.float32, torch.int32, torch.int64):
        return None
    axis %= value.ndim
    last = axis == value.ndim - 1
    flipped = given if falling else graph.call_function(ATEN.neg.default, (given,))
    rows = flipped if last else graph.call_function(ATEN.transpose.int, (flipped, axis, -1))
    both = graph.call_function(ATEN.topk.default, (rows, value.shape[axis]))
    parts = [graph.call_function(getitem, (both, number)) for number in range(2)]
    if not last:
        parts = [graph.call_function(ATEN.transpose.int, (one, axis, -1)) for one in parts]
    if not falling:
        parts[0] = graph.call_function(ATEN.neg.default, (parts[0],))
    if "argsort" in str(node.target):
        return parts[1]
    take_over(graph, node, parts)
    return None


def take_over(graph: fx.Graph, node: fx.Node, parts: Sequence[fx.Node]) -> None:
    """Put parts in the places of the results of an operator that has several, and take it out."""
    users: list[Any] = list(node.users)
    for user in users:
        part = parts[user.args[1]]
        part.meta = dict(user.meta)
        user.replace_all_uses_with(part)
        graph.erase_node(user)
    graph.erase_node(node)


def largest_in_each(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """An adaptive pool of equal windows as a plain one, or as the largest of all; its places are left alone."""
    arguments: list[Any] = list(node.args)
    users: list[Any] = list(node.users)
    given, (rows, columns) = arguments[0], each(arguments[1], 2)
    height, width = (int(size) for size in given.meta["val"].shape[-2:])
    if height % rows or width % columns or any(user.args[1] != 0 and user.users for user in users):
        return None
    if rows == columns == 1:
        made = graph.call_function(ATEN.amax.default, (given, [-2, -1], True))
    else:
        window = [height // rows, width // columns]
        made = graph.call_function(ATEN.max_pool2d.default, (given, window, window))
    take_over(graph, node, [made, made])  # nobody reads the places
    return None


def upsampling(graph: fx.Graph, node: fx.Node) -> fx.Node | None:
    """A transposed convolution without padding, and its middle: litert-torch writes only paddings of TensorFlow's."""
    operator: Any = node.target
    arguments: list[Any] = list(node.args)
    given, weight, *more = arguments
    usual_ones: list[Any] = [None, 1, 0, 0, 1, 1]
    bias, stride, padding, extra, groups, dilation = more + usual_ones[len(more) :]
    sizes, made, kernel = (one.meta["val"].shape[2:] for one in [given, node, weight])
    steps, around, behind = (each(one, len(sizes)) for one in (stride, padding, extra))
    usual = all(  # "SAME", where the smaller half of what is too much goes in front
        after == before * step and (size - step) // 2 == side
        for before, after, step, size, side in zip(sizes, made, steps, kernel, around, strict=True)
    )
    beyond = any(rest > side for rest, side in zip(behind, around, strict=True))
    if not any(around) or usual or beyond or any(one != 1 for one in each(dilation, len(sizes))):
        return None
    none = [0] * len(sizes)
    cut = graph.call_function(
        operator,
        (given, weight, bias, steps, none, none, groups, [1] * len(sizes)),
    )
    for place, (side, size) in enumerate(zip(around, made, strict=True)):
        cut = graph.call_function(ATEN.slice.Tensor, (cut, place + 2, side, side + int(size)))
    return cut


WRITERS: dict[str, Callable[[fx.Graph, fx.Node], fx.Node | None]] = {
    "aten.conv_transpose1d.default": upsampling,
    "aten.conv_transpose2d.input": upsampling,
    "aten.one_hot.default": one_hot,
    "aten.pow.Tensor_Scalar": power,
    "aten.adaptive_max_pool2d.default": largest_in_each,
    "aten.argsort.default": sorting,
    "aten.argsort.stable": sorting,
    "aten.sort.default": sorting,
    "aten.sort.stable": sorting,
    **delegated.WRITERS,
}
"""By the operator: what writes others in its place, or leaves it where they would not do the same."""
