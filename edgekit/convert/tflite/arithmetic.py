"""Activations, arithmetic and changes of shape as TFLite operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .writer import CHANNELS_LAST, FUSING, NONE, RELU, RELU6, WITH_BIAS, NotWritable, Value, Writer, array

# PyTorch's signatures: what a function does not need is there to be accepted.
# ruff: noqa: ARG001


def activation(to: Writer, x: Value, kind: str) -> Value:
    """RELU or RELU6, inside the operator before it where nothing else reads that one's result."""
    if x.op is not None and not x.shared:
        op = to.graph.ops[x.op]
        if op.kind in FUSING and op.options["fusedActivationFunction"] == NONE:
            op.options["fusedActivationFunction"] = {"RELU": RELU, "RELU6": RELU6}[kind]
            return x
    return to.emit(kind, [x.tensor], x.shape, x.order)


def relu(to: Writer, x: Value, inplace: bool = False) -> Value:
    """``max(x, 0)``."""
    return activation(to, x, "RELU")


def relu6(to: Writer, x: Value, inplace: bool = False) -> Value:
    """``min(max(x, 0), 6)``."""
    return activation(to, x, "RELU6")


def hard_swish(to: Writer, x: Value, inplace: bool = False) -> Value:
    """One fused operator."""
    return to.emit("HARD_SWISH", [x.tensor], x.shape, x.order)


def hard_sigmoid(to: Writer, x: Value, inplace: bool = False) -> Value:
    """``relu6(x + 3) / 6``, of which TFLite has no operator."""
    return multiply(to, activation(to, add(to, x, 3.0), "RELU6"), 1.0 / 6.0)


def sigmoid(to: Writer, x: Value) -> Value:
    """LOGISTIC."""
    return to.emit("LOGISTIC", [x.tensor], x.shape, x.order)


def add(to: Writer, a: Any, b: Any) -> Value:
    """ADD; a constant goes into the bias of the layer before it where nothing else reads that layer's result."""
    x, other = (a, b) if isinstance(a, Value) else (b, a)
    if not isinstance(other, Value) and x.op is not None and not x.shared:
        op = to.graph.ops[x.op]
        extra = stored_constant(to, x, other)
        if op.kind in WITH_BIAS and op.options["fusedActivationFunction"] == NONE and extra.size in (1, x.shape[-1]):
            bias = to.graph.tensors[op.inputs[2]]
            assert bias.data is not None
            bias.data = np.asarray(bias.data + extra.reshape(-1), np.float32)
            return x
    return arithmetic(to, "ADD", a, b)


def multiply(to: Writer, a: Any, b: Any) -> Value:
    """MUL."""
    return arithmetic(to, "MUL", a, b)


def arithmetic(to: Writer, kind: str, a: Any, b: Any) -> Value:
    """An operator of two values, or of a value and a constant, that broadcasts."""
    x, other = (a, b) if isinstance(a, Value) else (b, a)
    if isinstance(other, Value):
        if len(other.shape) != len(x.shape):
            raise NotWritable(f"{to.label}: {kind} of {len(x.shape)} and {len(other.shape)} dimensions")
        other = to.stored(other, x.order)
        shape = tuple(np.broadcast_shapes(x.shape, other.shape))
        second = other.tensor
    else:
        extra = stored_constant(to, x, other)
        shape = tuple(np.broadcast_shapes(x.shape, extra.shape))
        second = to.constant(extra)
    return to.emit(kind, [x.tensor, second], shape, x.order, fusedActivationFunction=NONE)


def stored_constant(to: Writer, x: Value, constant: Any) -> Any:
    """A number, or a tensor that broadcasts against ``x``, in the order in which ``x`` is stored."""
    data = array(constant) if isinstance(constant, torch.Tensor) else np.asarray(constant, np.float32)
    if data.size == 1:
        return data.reshape(())
    if data.ndim > len(x.shape):
        raise NotWritable(f"{to.label}: a constant of {data.ndim} dimensions")
    data = data.reshape((1,) * (len(x.shape) - data.ndim) + data.shape)
    return data.transpose(np.argsort(x.order))


def concatenate(to: Writer, tensors: Sequence[Value], dim: int = 0) -> Value:
    """CONCATENATION of values stored in the same order."""
    order = tensors[0].order
    parts = [to.stored(part, order) for part in tensors]
    axis = order[dim % len(order)]
    shape = tuple(sum(p.shape[d] for p in parts) if d == axis else s for d, s in enumerate(parts[0].shape))
    inputs = [part.tensor for part in parts]
    return to.emit("CONCATENATION", inputs, shape, order, axis=axis, fusedActivationFunction=NONE)


def cut(to: Writer, x: Value, begin: Sequence[int], size: Sequence[int]) -> Value:
    """SLICE; begin and size are of PyTorch's view."""
    starts, sizes = [0] * len(x.shape), list(x.shape)
    for dim, place in enumerate(x.order):
        starts[place], sizes[place] = begin[dim], size[dim]
    if sizes == list(x.shape):
        return x
    return to.emit(
        "SLICE", [x.tensor, to.constant(starts, np.int32), to.constant(sizes, np.int32)], tuple(sizes), x.order
    )


def item(to: Writer, x: Value | Sequence[Value], index: Any) -> Any:
    """``x[a:b, …]``, slices of step 1 only; or one of several values."""
    if not isinstance(x, Value):
        return x[index]
    parts = index if isinstance(index, tuple) else (index,)
    begin, size = [0] * len(x.shape), list(x.view)
    for dim, part in enumerate(parts):
        if not isinstance(part, slice):
            raise NotWritable(f"{to.label}: index {part!r}")
        start, stop, step = part.indices(x.view[dim])
        if step != 1 or stop <= start:
            raise NotWritable(f"{to.label}: {part}")
        begin[dim], size[dim] = start, stop - start
    return cut(to, x, begin, size)


def chunk(to: Writer, x: Value, chunks: int, dim: int = 0) -> list[Value]:
    """Equal parts (the last may be smaller), each a slice."""
    axis, length = dim % len(x.shape), x.view[dim % len(x.shape)]
    step = -(-length // chunks)
    parts = []
    for start in range(0, length, step):
        begin, size = [0] * len(x.shape), list(x.view)
        begin[axis], size[axis] = start, min(step, length - start)
        parts.append(cut(to, x, begin, size))
    return parts


def reshape(to: Writer, x: Value, *shape: Any) -> Value:
    """RESHAPE of the elements in PyTorch's order."""
    sizes = [int(s) for s in (shape[0] if isinstance(shape[0], (tuple, list)) else shape)]
    if -1 in sizes:
        sizes[sizes.index(-1)] = int(np.prod(x.view)) // -int(np.prod(sizes))
    plain = in_order(to, x)
    made, order = tuple(sizes), tuple(range(len(sizes)))
    if plain.shape == made:
        return replace(plain, order=order)
    dims = np.asarray(made, np.int32)
    return to.emit("RESHAPE", [plain.tensor, to.constant(dims, np.int32)], made, order, newShape=dims)


def in_order(to: Writer, x: Value) -> Value:
    """The value with its elements stored in PyTorch's order; dimensions of size 1 may lie anywhere."""
    moved = [place for place in x.order if x.shape[place] > 1]
    return x if moved == sorted(moved) else to.stored(x, tuple(range(len(x.shape))))


def flatten(to: Writer, x: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    """One dimension in the place of several."""
    view, end = x.view, end_dim % len(x.shape)
    return reshape(to, x, *view[:start_dim], int(np.prod(view[start_dim : end + 1])), *view[end + 1 :])


def index_select(to: Writer, x: Value, dim: int, index: Any) -> Value:
    """GATHER along one dimension, with constant indices."""
    if isinstance(index, Value):
        raise NotWritable(f"{to.label}: indices that are computed")
    place = x.order[dim]
    shape = tuple(len(index) if d == place else n for d, n in enumerate(x.shape))
    indices = to.constant(index.detach().numpy(), np.int32)
    return to.emit("GATHER", [x.tensor, indices], shape, x.order, axis=place)


def zero_pad(to: Writer, x: Value, pad: Any, mode: str = "constant", value: float | None = None) -> Value:
    """Zeros around the rows and columns."""
    if mode != "constant" or value or len(pad) != 4 or min(pad) < 0 or len(x.shape) != 4:
        raise NotWritable(f"{to.label}: padding of {tuple(pad)} with {mode} {value}")
    left, right, top, bottom = pad
    return to.pad(to.stored(x, CHANNELS_LAST), (top, left), (bottom, right))


def permute(to: Writer, x: Value, *dims: Any) -> Value:
    """Nothing moves until someone reads the elements in order."""
    order = dims[0] if isinstance(dims[0], (tuple, list)) else dims
    return replace(x, order=tuple(x.order[d] for d in order))


def transpose(to: Writer, x: Value, dim0: int, dim1: int) -> Value:
    """Two dimensions swapped."""
    dims = list(range(len(x.shape)))
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return permute(to, x, *dims)


def attribute(to: Writer, x: Value, name: str) -> Any:
    """The shape, for arithmetic on sizes."""
    if name != "shape":
        raise NotWritable(f"{to.label}: attribute {name}")
    return x.view


def size(to: Writer, x: Value, dim: int | None = None) -> Any:
    """The shape, or one size of it."""
    return x.view if dim is None else x.view[dim]


def to_float(to: Writer, x: Value) -> Value:
    """CAST of the integer input; a float stays as it is."""
    return x if to.graph.tensors[x.tensor].dtype == "float32" else to.emit("CAST", [x.tensor], x.shape, x.order)


def same(to: Writer, x: Value, *_: Any, **__: Any) -> Value:
    """What does nothing in eval mode."""
    return x
