"""Outputs that the network itself reads further, such as a recurrent cell's state: int8 inside, float at the end.

The quantizer gives such a tensor one form alone, and what reads it would stay in float with it. So these outputs are
hidden from the quantizer, and a DEQUANTIZE of their own is put behind them afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..tflite.edit import edited
from ..tflite.graph import operator_code


def hide_outputs(path: Path, places: Sequence[int], hidden: Path) -> list[str]:
    """Write the model to ``hidden`` without some of its outputs, whose tensors become inner ones.

    Args:
        path: the float model.
        places: of the outputs to hide, among all; each is an operator's result.
        hidden: the file to write.

    Returns:
        The names of their tensors.
    """
    names: list[str] = []

    def change(tree: Any, _schema: Any) -> bool:
        graph = tree.subgraphs[0]
        outputs = list(map(int, graph.outputs))
        names.extend(graph.tensors[outputs[place]].name.decode() for place in places)
        graph.outputs = np.asarray([one for place, one in enumerate(outputs) if place not in places], np.int32)
        for signature in tree.signatureDefs or []:
            signature.outputs = [one for one in signature.outputs if one.tensorIndex in graph.outputs]
        return bool(places)

    hidden.write_bytes(edited(path.read_bytes(), change))
    return names


def show_outputs(model: bytes, places: Sequence[int], names: Sequence[str]) -> bytes:
    """The quantized model with the hidden outputs in their places again, in float32.

    Its signatures keep the outputs that they have: they are made anew with the names of inputs and outputs.
    """

    def change(tree: Any, schema: Any) -> bool:
        graph = tree.subgraphs[0]
        known = {tensor.name.decode(): index for index, tensor in enumerate(graph.tensors)}
        outputs = list(map(int, graph.outputs))
        for place, name in sorted(zip(places, names, strict=True)):
            outputs.insert(place, in_float(tree, schema, known[name]))
        graph.outputs = np.asarray(outputs, np.int32)
        return bool(places)

    return edited(model, change)


def in_float(tree: Any, schema: Any, index: int) -> int:
    """The tensor itself where it is float32, else the result of a new DEQUANTIZE that reads it; its index."""
    graph = tree.subgraphs[0]
    source = graph.tensors[index]
    if source.type == schema.TensorType.FLOAT32:
        return index
    made = schema.TensorT()
    made.name, made.type = source.name + b"_float", schema.TensorType.FLOAT32
    made.shape, made.shapeSignature, made.hasRank, made.buffer = source.shape, source.shapeSignature, source.hasRank, 0
    graph.tensors.append(made)
    step = schema.OperatorT()
    step.opcodeIndex = dequantize(tree, schema)
    step.inputs = np.asarray([index], np.int32)
    step.outputs = np.asarray([len(graph.tensors) - 1], np.int32)
    graph.operators.append(step)
    return len(graph.tensors) - 1


def dequantize(tree: Any, schema: Any) -> int:
    """The place of DEQUANTIZE in the model's table of operators, where it is put if need be."""
    kind = schema.BuiltinOperator.DEQUANTIZE
    for place, code in enumerate(tree.operatorCodes):
        if code.builtinCode == kind:
            return place
    made = operator_code("DEQUANTIZE", schema)
    made.version = 2  # which reads int8
    tree.operatorCodes.append(made)
    return len(tree.operatorCodes) - 1
