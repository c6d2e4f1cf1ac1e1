"""The ranges of a TFLite file's tensors: narrower ones than min-max, and one for tensors that only pass values on.

TFLite's CONCATENATION wants one scale for all inputs and the output. With a range of its own, each input is requantized
to the output's scale by a QUANTIZE operator: an operator more, and a rounding more. The output's range is the union of
the inputs' anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..types import Quantization
from .ranges import BINS, chosen_range

PASSING = ("CONCATENATION", "SLICE", "STRIDED_SLICE", "SPLIT", "RESHAPE", "TRANSPOSE", "MAX_POOL_2D")


def narrow(path: Path, rows: list[dict[str, Any]], ranges: dict[str, Any], settings: Quantization) -> None:
    """Replace min-max by the ranges that ``settings`` choose, in place: those of activations, from their histograms.

    The quantizer itself knows min-max only. Tensors that hold one value keep their range; so do the scores when it is
    outliers that are cut off: the largest of them are what is asked for.

    Args:
        path: the float model.
        rows: calibration inputs by signature name.
        ranges: the calibration's result, ``{tensor: {"min": array, "max": array}}``.
        settings: say how.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    runner = interpreter.get_signature_runner()
    made = {int(t) for op in interpreter._get_ops_details() for t in op["outputs"]}  # noqa: SLF001 - nothing public
    found = {int(t["index"]): str(t["name"]) for t in interpreter.get_tensor_details() if int(t["index"]) in made}
    ends = {index: (float(np.min(ranges[name]["min"])), float(np.max(ranges[name]["max"])))
            for index, name in found.items() if name in ranges}  # fmt: skip
    scores = {int(t["index"]) for t in interpreter.get_output_details() if settings.ranges == "outliers"}
    open_ = {index for index, (low, high) in ends.items() if low < high} - scores
    counts = {index: np.zeros(BINS, np.int64) for index in sorted(open_)}
    for row in rows:
        runner(**row)
        for index, total in counts.items():
            np.add(total, np.histogram(interpreter.get_tensor(index), BINS, ends[index])[0], out=total)
    for index, total in counts.items():
        low, high = chosen_range(settings, total, np.linspace(*ends[index], BINS + 1), len(rows))
        entry = ranges[found[index]]
        entry["min"], entry["max"] = np.full_like(entry["min"], low), np.full_like(entry["max"], high)


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
