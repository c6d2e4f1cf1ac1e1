"""Convolutions of a traced program that are told their padding in a word are told it in numbers.

litert-torch takes the letters of the word ``same`` of a Conv1d for a list of numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

ATEN = torch.ops.aten
WORDED = {
    ATEN.conv1d.padding: ATEN.conv1d.default,
    ATEN.conv2d.padding: ATEN.conv2d.default,
    ATEN.conv3d.padding: ATEN.conv3d.default,
}
"""Operators that take a word, and those that take numbers."""
LEFT_OUT: tuple[Any, ...] = (None, 1, "valid", 1, 1)
"""Bias, stride, padding, dilation and groups where a call does not say them."""


def with_numbers(program: torch.nn.Module) -> torch.nn.Module:
    """A traced program, changed in place."""
    assert isinstance(program, fx.GraphModule)
    graph = program.graph
    for node in list(graph.nodes):
        if node.op != "call_function" or node.target not in WORDED:
            continue
        taken: tuple[Any, ...] = node.args
        given, weight, *said = taken
        bias, stride, word, dilation, groups = (*said, *LEFT_OUT[len(said) :])
        kernel = weight.meta["val"].shape[2:]
        steps = each(dilation, len(kernel))
        around = [step * (size - 1) if word == "same" else 0 for step, size in zip(steps, kernel, strict=True)]
        with graph.inserting_before(node):
            if any(whole % 2 for whole in around):  # PyTorch puts the odd one behind
                sides = [side for whole in reversed(around) for side in (whole // 2, whole - whole // 2)]
                given = graph.call_function(ATEN.constant_pad_nd.default, (given, sides, 0.0))
                around = [0] * len(around)
            numbers = (given, weight, bias, each(stride, len(kernel)), [a // 2 for a in around], steps, groups)
            node.replace_all_uses_with(graph.call_function(WORDED[node.target], numbers))
        graph.erase_node(node)
    program.recompile()
    return program


def each(value: Any, dimensions: int) -> list[int]:
    """A number for each dimension of a kernel, as PyTorch takes one for all."""
    found = [int(one) for one in value] if isinstance(value, list | tuple) else [int(value)]
    return found * dimensions if len(found) == 1 else found
