"""Batch norms that take the statistics of the batch itself, as those without running ones do, in plain operators.

PyTorch's exporter to ONNX writes them with the running statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

ATEN = torch.ops.aten
TRAINING, EPSILON = 5, 7
"""Where ``aten.batch_norm`` has them among its arguments."""


def with_batch_statistics(
    program: torch.export.ExportedProgram, inputs: Sequence[torch.Tensor]
) -> torch.export.ExportedProgram:
    """A program whose batch norms all have fixed statistics; the given one where they do anyway."""
    if not any(takes_its_own(node) for node in program.graph.nodes):
        return program
    network = program.module()
    assert isinstance(network, fx.GraphModule)
    for node in [one for one in network.graph.nodes if takes_its_own(one)]:
        with network.graph.inserting_before(node):
            node.replace_all_uses_with(written_out(network.graph, node))
        network.graph.erase_node(node)
    network.recompile()
    return torch.export.export(network, tuple(inputs), strict=False)


def takes_its_own(node: fx.Node) -> bool:
    """Whether an operator is a batch norm with the statistics of its input."""
    return node.target is ATEN.batch_norm.default and bool(node.args[TRAINING])


def written_out(graph: fx.Graph, node: fx.Node) -> fx.Node:
    """The input without its mean, over its deviation, by the weight, and the bias."""
    arguments: list[Any] = list(node.args)
    given, weight, bias = arguments[:3]
    rank = given.meta["val"].ndim
    axes, shape = [0, *range(2, rank)], [1, -1, *[1] * (rank - 2)]
    mean = graph.call_function(ATEN.mean.dim, (given, axes, True))
    rest = graph.call_function(ATEN.sub.Tensor, (given, mean))
    square = graph.call_function(ATEN.mul.Tensor, (rest, rest))
    variance = graph.call_function(ATEN.mean.dim, (square, axes, True))
    room = graph.call_function(ATEN.add.Tensor, (variance, arguments[EPSILON]))
    made = graph.call_function(ATEN.mul.Tensor, (rest, graph.call_function(ATEN.rsqrt.default, (room,))))
    for operator, one in ((ATEN.mul.Tensor, weight), (ATEN.add.Tensor, bias)):
        if one is not None:
            made = graph.call_function(operator, (made, graph.call_function(ATEN.reshape.default, (one, shape))))
    return made
