"""A TFLite artifact's file taken apart, changed and put together again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.artifacts.store import read_manifest
from edgekit.types import Stored


def edited(stored: Stored, scratch: Path, name: str, change: Callable[[Any, Any], None]) -> Stored:
    """A copy of an artifact in a folder of ``scratch``, whose model ``change`` was given.

    Args:
        stored: a TFLite artifact.
        scratch: gets the folder.
        name: ends the folder's name.
        change: takes TFLite's schema and the model (``ModelT``), which it changes in place.
    """
    import flatbuffers
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    folder = scratch / f"{stored.artifact.model}-{name}"
    shutil.copytree(stored.folder, folder, dirs_exist_ok=True)
    file = folder / stored.artifact.model_files[0].name
    data = file.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    for buffer in model.buffers:
        if buffer.offset > 1:  # behind the flatbuffer; brought into it
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    change(schema, model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    file.write_bytes(bytes(builder.Output()))
    return Stored(folder, read_manifest(stored.folder).artifact)


def add_tensor(schema: Any, model: Any, name: str, kind: int, shape: list[int], content: bytes = b"") -> int:
    """Add a tensor, a constant one where it has ``content``; its number."""
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), shape, kind, 0
    if content:
        buffer = schema.BufferT()
        buffer.data = list(content)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def operator(schema: Any, model: Any, kind: str, version: int, inputs: list[int], outputs: list[int]) -> Any:
    """An operator of a kind (``SPLIT``) with its options as they are by default; nowhere yet."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = version
    model.operatorCodes.append(code)
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes) - 1, inputs, outputs
    options = f"{kind.title()}Options"
    made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    made.builtinOptions = getattr(schema, f"{options}T")()
    return made
