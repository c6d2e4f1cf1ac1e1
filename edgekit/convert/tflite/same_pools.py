"""Maxima behind a padding of the smallest number, where TFLite's own padding (SAME) means the same.

Files that come from TensorFlow have them. The delegate takes no such padding, and int8 no such number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .edit import edited, values_of

LEAST = -3e38
"""What is below loses to every number."""


def pad_by_the_pool(path: Path) -> None:
    """Let such pools pad themselves, in place."""
    path.write_bytes(edited(path.read_bytes(), without_paddings))


def without_paddings(tree: Any, schema: Any) -> bool:
    """Whether anything was changed: ``edited``'s change."""
    kinds = {place: max(code.builtinCode, code.deprecatedBuiltinCode) for place, code in enumerate(tree.operatorCodes)}
    found = False
    for graph in tree.subgraphs:
        readers: dict[int, list[Any]] = {}
        for operator in graph.operators:
            for index in operator.inputs:
                readers.setdefault(int(index), []).append(operator)
        kept = []
        for operator in graph.operators:
            made = int(operator.outputs[0]) if len(operator.outputs) else -1
            pools = readers.get(made, [])
            if (
                kinds[operator.opcodeIndex] == schema.BuiltinOperator.PADV2
                and made not in graph.outputs
                and len(pools) == 1
                and kinds[pools[0].opcodeIndex] == schema.BuiltinOperator.MAX_POOL_2D
                and is_same(tree, graph, operator, pools[0].builtinOptions, schema)
            ):
                pools[0].inputs = np.asarray([operator.inputs[0]], np.int32)
                pools[0].builtinOptions.padding = schema.Padding.SAME
                found = True
            else:
                kept.append(operator)
        graph.operators = kept
    return found


def is_same(tree: Any, graph: Any, padding: Any, pool: Any, schema: Any) -> bool:
    """Whether a padding of the smallest number, and a pool without one, are a pool with SAME."""
    given, amounts, value = (graph.tensors[int(index)] for index in padding.inputs)
    sides, least = values_of(tree, amounts, schema, np.int32), values_of(tree, value, schema)
    if sides is None or least is None or pool.padding != schema.Padding.VALID or least.max() > LEAST:
        return False
    sides = sides.reshape(-1, 2)
    if len(sides) != 4 or sides[[0, 3]].any() or (sides < 0).any():
        return False
    windows = ((pool.filterHeight, pool.strideH), (pool.filterWidth, pool.strideW))
    for size, (before, after), (kernel, stride) in zip(given.shape[1:3], sides[1:3], windows, strict=True):
        out = -(-int(size) // stride)
        total = max((out - 1) * stride + kernel - int(size), 0)
        if (int(size) + before + after - kernel) // stride + 1 != out or before != total // 2:
            return False
    return True
