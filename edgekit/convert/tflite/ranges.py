"""The ranges of a TFLite file's tensors: narrower ones than min-max, and one for tensors that only pass values on.

TFLite's CONCATENATION wants one scale for all inputs and the output. With a range of its own, each input is requantized
to the output's scale by a QUANTIZE operator: an operator more, and a rounding more. The output's range is the union of
the inputs' anyway.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...types import Quantization
from ..int8.extremes import InnerRange
from ..int8.ranges import BINS, mse_range, values_cut

PASSING = ("CONCATENATION", "SLICE", "STRIDED_SLICE", "SPLIT", "RESHAPE", "TRANSPOSE", "MAX_POOL_2D")


def calibrate(
    path: Path, batches: list[dict[str, Any]], settings: Quantization, float_nodes: Collection[str]
) -> dict[str, Any]:
    """The range of every activation over all ``batches``: ``{tensor: {"min": array, "max": array}}``, a dict since the
    quantizer takes it so.

    The quantizer's own calibrator finds the same smallest and largest values in four times as long, and knows nothing
    else; its default is a moving average that gives each new image 5 % of the say: with a few images the range is that
    of the first one, and the others are clipped. Tensors that hold one value keep their range; so do the scores when it
    is outliers that are cut off: the largest of them are what is asked for. The network's input is never cut.

    Args:
        path: the float model.
        batches: inputs by signature name.
        settings: say how.
        float_nodes: names of the operators that stay in float.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    runner = interpreter.get_signature_runner()
    names = activations(interpreter, float_nodes)
    whole = {int(t["index"]) for t in interpreter.get_input_details()}
    if settings.ranges == "outliers":
        whole |= {int(t["index"]) for t in interpreter.get_output_details()}
    seen: dict[int, InnerRange] = {}
    images = sum(len(values) for batch in batches for values in batch.values())
    for batch in batches:
        runner(**batch)
        for index in names:
            values = torch.from_numpy(interpreter.get_tensor(index))
            if index not in seen:
                cut = 0 if index in whole else values_cut(settings, len(batches) * values.numel(), images)
                seen[index] = InnerRange(cut)
            seen[index].add(values)
    ends = {index: inner.ends for index, inner in seen.items()}
    if settings.ranges == "mse":
        ends |= least_squares(interpreter, runner, batches, {i: e for i, e in ends.items() if i not in whole})
    shapes = {index: (1,) * interpreter.get_tensor(index).ndim for index in names}
    return {
        name: {"min": np.full(shapes[index], low, np.float32), "max": np.full(shapes[index], high, np.float32)}
        for index, name in names.items()
        for low, high in [ends[index]]
    }


def activations(interpreter: Any, float_nodes: Collection[str]) -> dict[int, str]:
    """The names of the float tensors that operators other than these read or make, by index; of the ends too."""
    details = {int(t["index"]): t for t in interpreter.get_tensor_details()}
    operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]  # noqa: SLF001 - nothing public
    ends = {int(t["index"]) for t in (*interpreter.get_input_details(), *interpreter.get_output_details())}
    made = ends | {int(t) for op in operators for t in op["outputs"]}
    quantized = [op for op in operators if str(details[int(op["outputs"][0])]["name"]) not in float_nodes]
    touched = ends | {int(t) for op in quantized for t in (*op["inputs"], *op["outputs"])}
    return {i: str(details[i]["name"]) for i in sorted(made & touched) if details[i]["dtype"] is np.float32}


def least_squares(
    interpreter: Any,
    runner: Any,
    batches: list[dict[str, Any]],
    ends: dict[int, tuple[float, float]],
) -> dict[int, tuple[float, float]]:
    """The ranges of least squared error, from histograms between the ends."""
    counts = {index: np.zeros(BINS, np.int64) for index, (low, high) in ends.items() if low < high}
    for batch in batches:
        runner(**batch)
        for index, total in counts.items():
            np.add(total, np.histogram(interpreter.get_tensor(index), BINS, ends[index])[0], out=total)
    return {index: mse_range(total, np.linspace(*ends[index], BINS + 1)) for index, total in counts.items()}


def tie_ranges(path: Path, ranges: dict[str, Any], float_nodes: Collection[str] = ()) -> int:
    """Give tensors that a concatenation joins the union of their ranges, in place; returns how many sets were tied.

    Args:
        path: the float model.
        ranges: the calibration's result, ``{tensor: {"min": array, "max": array}}``.
        float_nodes: first outputs of the operators that stay in float; what they join keeps its own ranges.
    """
    sets = [
        names
        for names in joined_sets(path)
        if all(name in ranges for name in names) and not set(names) & set(float_nodes)
    ]
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
