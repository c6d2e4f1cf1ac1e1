"""ONNX operators that move, cut and join. Source: ONNX's operator reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor

from .node import Node, NotKnown, Operator


def reshape(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """0 stands for the size that the dimension has."""
    wanted = node.setting("shape", 1)
    if not node.get("allowzero", 0):
        wanted = [values.shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    return values.reshape(wanted)


def flatten(node: Node, values: Tensor) -> Tensor:
    """To two dimensions."""
    axis = node.get("axis", 1) + (values.ndim if node.get("axis", 1) < 0 else 0)
    rows = 1
    for size in values.shape[:axis]:
        rows *= size
    return values.reshape(rows, -1)


def transpose(node: Node, values: Tensor) -> Tensor:
    """In reverse order where nothing else is said."""
    return values.permute(node.get("perm") or list(reversed(range(values.ndim))))


def squeeze(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """Without the given dimensions of size 1, or without all."""
    axes = node.setting("axes", 1)
    return values.squeeze() if axes is None else values.squeeze(tuple(axes))


def unsqueeze(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """With dimensions of size 1 at the given places of the result."""
    axes = node.setting("axes", 1)
    for axis in sorted(axis % (values.ndim + len(axes)) for axis in axes):
        values = values.unsqueeze(axis)
    return values


def split(node: Node, values: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
    """Into the given sizes, or into equal parts of which the last may be smaller."""
    axis = node.get("axis", 0)
    sizes = node.setting("split", 1)
    if sizes is None:
        parts = node.get("num_outputs", len(node.outputs))
        return torch.split(values, -(-values.shape[axis] // parts), axis)
    return torch.split(values, sizes, axis)


def cut(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """Slices along some axes, as Python slices; backwards with a negative step."""
    starts, ends = node.setting("starts", 1), node.setting("ends", 2)
    axes = node.setting("axes", 3, list(range(len(starts))))
    steps = node.setting("steps", 4, [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        chosen = range(*slice(start, end, step).indices(values.shape[axis]))
        if not chosen:
            raise NotKnown("it leaves nothing")
        index: list[Any] = [slice(None)] * values.ndim
        index[axis] = slice(min(chosen), max(chosen) + 1, abs(step))
        values = values[tuple(index)]
        values = values.flip(axis) if step < 0 else values
    return values


def gather(node: Node, values: Tensor, indices: Tensor) -> Tensor:
    """Entries along an axis; negative indices count from the end."""
    axis = node.get("axis", 0) % values.ndim
    known = node.value(1) if 1 in node.known else None
    if isinstance(known, int):
        return values.select(axis, known)
    wrapped = torch.where(indices < 0, indices + values.shape[axis], indices).to(torch.int64)
    shape = (*values.shape[:axis], *indices.shape, *values.shape[axis + 1 :])
    return values.index_select(axis, wrapped.reshape(-1)).reshape(shape)


def expand(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """Repeated along dimensions of size 1, both ways."""
    return values.expand(tuple(torch.broadcast_shapes(values.shape, node.value(1))))  # type: ignore[no-untyped-call]


def pad(node: Node, values: Tensor, *_: Tensor) -> Tensor:
    """Around the given axes, with a constant, with the edge or mirrored."""
    pads, mode = node.setting("pads", 1), node.get("mode", "constant")
    filled = node.get("value", node.value(2) if node.opset >= 11 else None) or 0.0
    axes = node.value(3) if node.has(3) else list(range(values.ndim))
    around = [(0, 0)] * values.ndim
    for place, axis in enumerate(axes):
        around[axis % values.ndim] = (pads[place], pads[place + len(axes)])
    flat = [side for pair in reversed(around) for side in pair]
    if mode == "constant":
        return F.pad(values, flat, value=filled)
    names = {"reflect": "reflect", "edge": "replicate"}
    if mode not in names:
        raise NotKnown(f"it pads by {mode}")
    if any(flat[2 * (values.ndim - 2) :]) or any(side < 0 for side in flat):
        return by_places(values, around, mode)
    return F.pad(values, flat[: 2 * (values.ndim - 2)], mode=names[mode])


def by_places(values: Tensor, around: Sequence[tuple[int, int]], mode: str) -> Tensor:
    """Padded with the edge or mirrored in any dimensions, by the numbers of the entries that go there."""
    for axis, (before, after) in enumerate(around):
        if not before and not after:
            continue
        size = values.shape[axis]
        places = torch.arange(-before, size + after)
        if mode == "edge":
            places = places.clamp(0, size - 1)
        elif max(before, after) >= size:
            raise NotKnown(f"it mirrors {max(before, after)} entries of {size}")
        else:
            places = (size - 1) - ((size - 1) - places.abs()).abs()
        values = values.index_select(axis, places)
    return values


def depth_to_space(node: Node, values: Tensor) -> Tensor:
    """Channels to blocks of pixels; DCR has the block in front of the channels."""
    block = node.attributes["blocksize"]
    if node.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(values, block)
    n, c, h, w = values.shape
    parts = values.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // block**2, h * block, w * block)


def space_to_depth(node: Node, values: Tensor) -> Tensor:
    """Blocks of pixels to channels, the block in front."""
    block = node.attributes["blocksize"]
    n, c, h, w = values.shape
    parts = values.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * block**2, h // block, w // block)


def top(node: Node, values: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
    """The largest or smallest along an axis, and their indices."""
    count = node.setting("k", 1)
    count = count[0] if isinstance(count, list) else count
    made = torch.topk(values, count, node.get("axis", -1), bool(node.get("largest", 1)), bool(node.get("sorted", 1)))
    return made.values, made.indices


def shape_of(node: Node, values: Tensor) -> Tensor:
    """The sizes, from one dimension to another."""
    return torch.tensor(list(values.shape)[node.get("start", 0) : node.get("end", values.ndim)], dtype=torch.int64)


def filled_with(node: Node, _: Tensor) -> Tensor:
    """One value in a shape that is known."""
    value = node.get("value", torch.zeros(1))
    return torch.full(node.value(0), value.item(), dtype=value.dtype)


OPERATORS: dict[str, Operator] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": lambda node, *values: torch.cat(values, node.attributes["axis"]),
    "Split": split,
    "Slice": cut,
    "Gather": gather,
    "Expand": expand,
    "Tile": lambda node, values, *_: values.repeat(node.value(1)),
    "Pad": pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "TopK": top,
    "Identity": lambda _, values: values,
    "Dropout": lambda _, values, *__: values,
    "Shape": shape_of,
    "Constant": lambda node: node.attributes["value"],
    "ConstantOfShape": filled_with,
    "Range": lambda node, *_: torch.arange(node.value(0), node.value(1), node.value(2)),
}
