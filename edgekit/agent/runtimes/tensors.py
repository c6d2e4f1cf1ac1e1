"""Inputs and outputs as the agent reports them, whichever runtime has them."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

from ..protocol import AgentError, Json


def tensor_spec(
    name: str, shape: Sequence[int], dtype: str, scale: Optional[float] = None, zero_point: Optional[int] = None
) -> Json:
    """An input or output as the agent reports it, batch included in the shape."""
    return {"name": name, "shape": [int(d) for d in shape], "dtype": dtype, "scale": scale, "zero_point": zero_point}


def fixed_shape(name: str, dims: Sequence[Any], batch: int) -> List[int]:
    """A concrete shape: an open batch becomes ``batch``; anything else open is refused."""
    shape = [d if isinstance(d, int) and d > 0 else None for d in dims]
    if shape and shape[0] is None:
        shape[0] = batch
    if None in shape:
        raise AgentError("open-shape", "the shape of input %r is open: %s" % (name, list(dims)))
    return [int(d) for d in shape if d is not None]


OPEN = -1


def open_shape(dims: Sequence[Any]) -> List[int]:
    """A shape with ``OPEN`` where it is open."""
    return [d if isinstance(d, int) and d >= 0 else OPEN for d in dims]


# What ONNX Runtime and OpenVINO call the element types, in numpy's words.
ELEMENT_TYPES = {
    "float": "float32", "double": "float64", "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16",
    "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8", "i4": "int4", "u64": "uint64", "u32": "uint32",
    "u16": "uint16", "u8": "uint8", "u4": "uint4", "boolean": "bool",
}  # fmt: skip


def numpy_name(element_type: str) -> str:
    """A runtime's name of an element type as numpy spells it; unknown names pass through."""
    return ELEMENT_TYPES.get(element_type, element_type)
