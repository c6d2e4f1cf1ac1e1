"""Tensors that only a hard-swish reads, written as a sum and a product: their ranges need not go below -3.

There the gate is zero, and so is the product: what is cut off changes nothing, and the steps become finer.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ..int8.simulation import FLOOR

RELU6 = 3  # the schema's ActivationFunctionType


def end_at_floor(path: Path, ranges: dict[str, Any], float_nodes: Collection[str] = (), *, fused: bool = False) -> int:
    """Cut the ranges of what hard-swishes read, in place; returns how many.

    Args:
        path: the float model.
        ranges: ``{tensor: {"min": array, "max": array}}``, as the quantizer takes them.
        float_nodes: names of the operators that stay in float.
        fused: also what hard-swishes that are one operator read, in float or not.
    """
    names = [name for name in hard_swish_inputs(path, float_nodes, fused=fused) if name in ranges]
    for name in names:
        ranges[name]["min"] = np.maximum(ranges[name]["min"], np.float32(FLOOR))
    return len(names)


def hard_swish_inputs(path: Path, float_nodes: Collection[str] = (), *, fused: bool = False) -> list[str]:
    """Names of the tensors ``x`` that are read by ``relu6(x + 3)`` and its product with ``x`` alone.

    With ``fused`` also of those that HARD_SWISH alone reads.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    kinds = schema.BuiltinOperator
    readers: dict[int, list[Any]] = {}
    for operator in graph.operators:
        for tensor in map(int, operator.inputs):
            readers.setdefault(tensor, []).append(operator)

    def is_a(operator: Any, kind: int) -> bool:
        return bool(model.operatorCodes[operator.opcodeIndex].builtinCode == kind)

    def in_float(operator: Any) -> bool:
        return graph.tensors[int(operator.outputs[0])].name.decode() in float_nodes

    found = []
    for tensor, both in readers.items():
        if fused and tensor not in map(int, graph.outputs) and all(is_a(op, kinds.HARD_SWISH) for op in both):
            found.append(graph.tensors[tensor].name.decode())
        gates = [op for op in both if is_a(op, kinds.ADD) and op.builtinOptions.fusedActivationFunction == RELU6]
        products = [op for op in both if is_a(op, kinds.MUL)]
        if len(both) != 2 or len(gates) != 1 or len(products) != 1 or in_float(gates[0]):
            continue
        (other,) = [int(t) for t in gates[0].inputs if int(t) != tensor] or [tensor]
        made = int(gates[0].outputs[0])
        if (
            {tensor, made} == set(map(int, products[0].inputs))
            and readers[made] == products
            and is_three(model, graph.tensors[other])
        ):
            found.append(graph.tensors[tensor].name.decode())
    return found


def is_three(model: Any, tensor: Any) -> bool:
    """True for the constant 3."""
    data = model.buffers[tensor.buffer].data
    return data is not None and bytes(bytearray(data)) == np.float32(-FLOOR).tobytes()
