"""Narrow concatenations: XNNPACK takes at most five inputs, and a wider one leaves the delegate.

The converter joins nested concatenations into one, so this is done to its result: groups of inputs are concatenated
first, along the same axis, into tensors of their own.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from .edit import edited

MAX_INPUTS = 4


def narrow_concats(path: Path) -> int:
    """Split every wide concatenation of a float model, in place; returns how many were too wide."""
    count = 0

    def split_all(tree: Any, schema: Any) -> bool:
        nonlocal count
        graph = tree.subgraphs[0]
        wide = [operator for operator in graph.operators if is_wide(tree, operator, schema)]
        for operator in wide:
            split(graph, operator)
        count = len(wide)
        return bool(wide)

    path.write_bytes(edited(path.read_bytes(), split_all))
    return count


def is_wide(tree: Any, operator: Any, schema: Any) -> bool:
    """True for a concatenation of more than :data:`MAX_INPUTS` tensors."""
    code = tree.operatorCodes[operator.opcodeIndex].builtinCode
    return code == schema.BuiltinOperator.CONCATENATION and len(operator.inputs) > MAX_INPUTS


def split(graph: Any, operator: Any) -> None:
    """Put concatenations of groups of inputs in front of one, until it has few enough itself."""
    while len(operator.inputs) > MAX_INPUTS:
        inputs = [int(tensor) for tensor in operator.inputs]
        parts = []
        for start in range(0, len(inputs), MAX_INPUTS):
            group = inputs[start : start + MAX_INPUTS]
            parts.append(group[0] if len(group) == 1 else joined(graph, operator, group))
        operator.inputs = np.asarray(parts, np.int32)


def joined(graph: Any, operator: Any, group: list[int]) -> int:
    """A tensor that holds the ``group``, made right before ``operator``; its index."""
    axis = operator.builtinOptions.axis
    result = copy.deepcopy(graph.tensors[int(operator.outputs[0])])
    result.shape = np.array(result.shape, np.int32)
    result.shape[axis] = sum(int(graph.tensors[tensor].shape[axis]) for tensor in group)
    result.name = result.name + f"_part_{len(graph.tensors)}".encode()
    graph.tensors.append(result)
    first = copy.deepcopy(operator)
    first.builtinOptions.fusedActivationFunction = 0
    first.inputs = np.asarray(group, np.int32)
    first.outputs = np.asarray([len(graph.tensors) - 1], np.int32)
    position = next(i for i, other in enumerate(graph.operators) if other is operator)
    graph.operators.insert(position, first)
    return len(graph.tensors) - 1
