"""Change a TFLite file: the schema's tree out of it, a change, and a file again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import packed_buffer


def edited(model: bytes, change: Callable[[Any, Any], bool | None]) -> bytes:
    """The model after a change; constants stay aligned.

    Args:
        model: content of the file.
        change: takes the tree (``ModelT``) and the schema's module, and changes the tree in place; it returns False
            where nothing is to be changed.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    bring_inside(tree, model)
    if change(tree, schema) is False:
        return model
    for buffer in tree.buffers:
        if buffer.data is not None:
            content = bytes(bytearray(buffer.data))
            buffer.Pack = lambda builder, content=content: packed_buffer(content, builder, schema)
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def bring_inside(tree: Any, model: bytes) -> None:
    """Move constants that lie behind the flatbuffer, found by their offset in the file, into the tree."""
    for buffer in tree.buffers:
        if buffer.offset > 1:  # 0 and 1 mean "not outside"
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def values_of(tree: Any, tensor: Any, schema: Any, dtype: type[Any] = np.float32) -> np.ndarray[Any, Any] | None:
    """The values of a constant of this type, float32 or int32; None for another tensor."""
    data = tree.buffers[tensor.buffer].data
    wanted = schema.TensorType.FLOAT32 if dtype is np.float32 else schema.TensorType.INT32
    if tensor.type != wanted or data is None or not len(data):
        return None
    return np.frombuffer(bytes(bytearray(data)), dtype).reshape([int(size) for size in tensor.shape])
