"""Make biases fit into int8's sums in a TFLite file; see :mod:`edgekit.convert.int8.bias_room`."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..int8.bias_room import raised_weight, step_of
from .edit import edited, values_of

CHANNELS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""Operators with a bias, and the axis of their weights along which the output channels lie."""


def give_own_biases(path: Path) -> None:
    """Give each layer a bias of its own, in one dimension: the quantizer scales it for that layer, by channel.

    The converter leaves a sum behind a layer its shape, and layers with equal biases one tensor.
    """

    def change(tree: Any, schema: Any) -> bool:
        axes = {getattr(schema.BuiltinOperator, name) for name in CHANNELS}
        graph = tree.subgraphs[0]
        readers = Counter(int(index) for operator in graph.operators for index in operator.inputs)
        changed = False
        for operator in graph.operators:
            layer = tree.operatorCodes[operator.opcodeIndex].builtinCode in axes and len(operator.inputs) > 2
            index = int(operator.inputs[2]) if layer else -1
            if index < 0 or tree.buffers[graph.tensors[index].buffer].data is None:
                continue
            bias = graph.tensors[index]
            if len(bias.shape) == 1 and readers[index] == 1:
                continue
            made = copy.copy(bias)
            made.shape, made.shapeSignature = np.asarray([int(np.prod(bias.shape))], np.int32), None
            made.name = bias.name + f"_of_{len(graph.tensors)}".encode()
            made.buffer = len(tree.buffers)
            tree.buffers.append(copy.copy(tree.buffers[bias.buffer]))
            graph.tensors.append(made)
            operator.inputs = np.asarray([*operator.inputs[:2], len(graph.tensors) - 1], np.int32)
            readers[index] -= 1
            changed = True
        return changed

    path.write_bytes(edited(path.read_bytes(), change))


def make_room(path: Path, ranges: Mapping[int, tuple[float, float]]) -> int:
    """Raise the weights of convolutions and linear layers in place; returns in how many layers.

    Args:
        path: the float model.
        ranges: smallest and largest value of each tensor, by number.
    """
    changed = 0

    def change(tree: Any, schema: Any) -> bool:
        nonlocal changed
        axes = {getattr(schema.BuiltinOperator, name): axis for name, axis in CHANNELS.items()}
        graph = tree.subgraphs[0]
        for operator in graph.operators:
            axis = axes.get(tree.operatorCodes[operator.opcodeIndex].builtinCode)
            given = [int(index) for index in operator.inputs]
            if axis is None or len(given) < 3 or given[2] < 0 or given[0] not in ranges:
                continue
            weight, bias = (values_of(tree, graph.tensors[index], schema) for index in given[1:3])
            if weight is None or bias is None:
                continue
            rows = torch.from_numpy(np.moveaxis(weight, axis, 0).copy())
            raised = raised_weight(rows, torch.from_numpy(bias.copy()), step_of(*ranges[given[0]]))
            if not torch.equal(raised, rows):
                made = np.ascontiguousarray(np.moveaxis(raised.numpy(), 0, axis))
                tree.buffers[graph.tensors[given[1]].buffer].data = np.frombuffer(made.tobytes(), np.uint8)
                changed += 1
        return changed > 0

    path.write_bytes(edited(path.read_bytes(), change))
    return changed
