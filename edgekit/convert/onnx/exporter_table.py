"""PyTorch's table of the operators that its exporter can write, read once an interpreter.

``torch.onnx.export`` reads it anew for every network: it parses the source of 500 functions, a third of the conversion
of a small one. It is read here when this module is imported, and so by a warm interpreter for all of its children.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.onnx._internal.exporter._registration import ONNXRegistry

from ...types import ONNX_OPSET

TABLE = ONNXRegistry.from_torchlib(opset_version=ONNX_OPSET)


@contextmanager
def read_once() -> Iterator[None]:
    """A block in which an export in our opset takes a copy of the table, to which it may add; others read their own."""
    read = ONNXRegistry.__dict__["from_torchlib"]

    def copied(cls: type[ONNXRegistry], opset_version: int = ONNX_OPSET) -> ONNXRegistry:
        if opset_version != ONNX_OPSET:
            found: ONNXRegistry = read.__func__(cls, opset_version)
            return found
        copy = cls()
        copy._opset_version = opset_version
        copy.functions = {name: list(ways) for name, ways in TABLE.functions.items()}
        return copy

    ONNXRegistry.from_torchlib = classmethod(copied)  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ONNXRegistry.from_torchlib = read  # type: ignore[method-assign]
