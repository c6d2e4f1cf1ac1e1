"""One range for tensors that only pass values on, so that no requantization is needed between them.

TFLite's CONCATENATION wants one scale for all inputs and the output. With a range of its own, each input is requantized
to the output's scale by a QUANTIZE operator: an operator more, and a rounding more. The output's range is the union of
the inputs' anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

PASSING = ("CONCATENATION", "SLICE", "STRIDED_SLICE", "SPLIT", "RESHAPE", "TRANSPOSE", "MAX_POOL_2D")


def tie_ranges(path: Path, ranges: dict[str, Any]) -> int:
    """Give tensors that a concatenation joins the union of their ranges, in place; returns how many sets were tied.

    Args:
        path: the float model.
        ranges: the calibration's result, ``{tensor: {"min": array, "max": array}}``.
    """
    sets = [names for names in joined_sets(path) if all(name in ranges for name in names)]
    for names in sets:
        low = min(float(np.min(ranges[name]["min"])) for name in names)
        high = max(float(np.max(ranges[name]["max"])) for name in names)
        for name in names:
            entry = ranges[name]
            entry["min"], entry["max"] = np.full_like(entry["min"], low), np.full_like(entry["max"], high)
    return len(sets)


def joined_sets(path: Path) -> list[list[str]]:
    """Names of the activations that concatenations, and operators that pass values on unchanged, tie together."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    codes = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    leader = list(range(len(graph.tensors)))

    def find(tensor: int) -> int:
        while leader[tensor] != tensor:
            tensor = leader[tensor]
        return tensor

    concatenated = set()
    for operator in graph.operators:
        code = codes[model.operatorCodes[operator.opcodeIndex].builtinCode]
        if code not in PASSING:
            continue
        tensors = [int(t) for t in (*operator.inputs, *operator.outputs) if is_activation(model, graph, int(t), schema)]
        for tensor in tensors[1:]:
            leader[find(tensor)] = find(tensors[0])
        if code == "CONCATENATION":
            concatenated.update(tensors)
    sets: dict[int, list[str]] = {}
    for tensor in range(len(graph.tensors)):
        sets.setdefault(find(tensor), []).append(graph.tensors[tensor].name.decode())
    wanted = {find(tensor) for tensor in concatenated}
    return [names for root, names in sets.items() if root in wanted]


def is_activation(model: Any, graph: Any, tensor: int, schema: Any) -> bool:
    """True for a float32 tensor without constant data."""
    found = graph.tensors[tensor]
    buffer = model.buffers[found.buffer]
    constant = buffer.data is not None or buffer.offset > 1
    return tensor >= 0 and found.type == schema.TensorType.FLOAT32 and not constant
