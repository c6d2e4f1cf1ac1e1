"""A TFLite artifact with a transpose and its inverse put before its last operator that has weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from edgekit.artifacts.store import read_manifest
from edgekit.types import Stored


def with_transpose(stored: Stored, scratch: Path) -> Stored:
    """The artifact so changed, in a folder of ``scratch``; it computes the same.

    Raises:
        ValueError: the file has no such operator on a tensor of four dimensions.
    """
    import flatbuffers
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    folder = scratch / f"{stored.artifact.model}-transposed"
    shutil.copytree(stored.folder, folder, dirs_exist_ok=True)
    file = folder / stored.artifact.model_files[0].name
    data = file.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    for buffer in model.buffers:
        if buffer.offset > 1:  # behind the flatbuffer; brought into it
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    graph = model.subgraphs[0]
    number = next(n for n in reversed(range(len(graph.operators))) if takes_map(graph, graph.operators[n]))
    first = graph.operators[number].inputs[0]
    turned = insert(schema, model, number, first, (0, 3, 1, 2))
    back = insert(schema, model, number + 1, turned, (0, 2, 3, 1))
    last = graph.operators[number + 2]
    last.inputs = [back, *(int(tensor) for tensor in last.inputs[1:])]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    file.write_bytes(bytes(builder.Output()))
    return Stored(folder, read_manifest(stored.folder).artifact)


def takes_map(graph: Any, operator: Any) -> bool:
    """Whether an operator takes a map of channels and has weights."""
    return len(operator.inputs) == 3 and len(graph.tensors[operator.inputs[0]].shape) == 4


def insert(schema: Any, model: Any, at: int, tensor: int, order: tuple[int, ...]) -> int:
    """Put a TRANSPOSE of ``tensor`` at place ``at`` of the operators; its output."""
    graph = model.subgraphs[0]
    given = graph.tensors[tensor]
    buffer = schema.BufferT()
    buffer.data = list(b"".join(axis.to_bytes(4, "little") for axis in order))
    model.buffers.append(buffer)
    axes, made = schema.TensorT(), schema.TensorT()
    axes.name, axes.shape, axes.type, axes.buffer = f"order{at}".encode(), [len(order)], 2, len(model.buffers) - 1
    made.name, made.type, made.buffer = f"turned{at}".encode(), given.type, 0
    made.shape, made.quantization = [given.shape[axis] for axis in order], given.quantization
    graph.tensors += [axes, made]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE
    code.version = 2
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [tensor, len(graph.tensors) - 2], [len(graph.tensors) - 1]
    operator.builtinOptionsType, operator.builtinOptions = (
        schema.BuiltinOptions.TransposeOptions,
        schema.TransposeOptionsT(),
    )
    graph.operators.insert(at, operator)
    return len(graph.tensors) - 1
