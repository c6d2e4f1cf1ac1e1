"""Operators of a traced program that litert-torch lacks, in others that do the same; and checks, which it lacks too."""

from __future__ import annotations

import torch
from torch import fx

ATEN = torch.ops.aten
CHECKS = {
    "aten._assert_async.default",
    "aten._assert_async.msg",
    "aten._assert_scalar.default",
    "aten._assert_tensor_metadata.default",
}
"""They compute nothing, and whoever runs the artifact has no Python to be told in."""


def with_plain_operators(program: torch.nn.Module) -> torch.nn.Module:
    """A traced program, changed in place: one-hot as a comparison, and no checks."""
    assert isinstance(program, fx.GraphModule)
    graph = program.graph
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        if str(node.target) in CHECKS:
            graph.erase_node(node)
        elif node.target is ATEN.one_hot.default:  # which checks its input in pieces that have no counterpart
            given, classes = node.args
            with graph.inserting_before(node):
                codes = graph.call_function(ATEN.arange.default, (classes,), {"dtype": torch.int64})
                last = graph.call_function(ATEN.unsqueeze.default, (given, -1))
                same = graph.call_function(ATEN.eq.Tensor, (last, codes))
                node.replace_all_uses_with(graph.call_function(ATEN.to.dtype, (same, torch.int64)))
            graph.erase_node(node)
    graph.eliminate_dead_code()
    program.recompile()
    return program
