"""Concatenate, gather and shift feature maps as rows of pixels, for ONNX Runtime in int8.

    cat(a, b)[index] + shift = reshape(cat(rows(a), rows(b))[index] + shift),    rows(x) = x as (N, C, H * W)

Its int8 convolutions want NHWC, and its optimizer keeps what is between them in that layout, where a concatenation
copies pixel by pixel, an addition per channel works on a few numbers at a time, and the sum of all features is
transposed for every gather. It moves no transpose across a reshape: so each new feature is transposed once, and what is
read of them. A reshape copies nothing. Nothing changes but the layout.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .absorb_scale import Shift
from .channel_flow import argument, is_gather
from .hoist_relu import is_cat


class Rows(nn.Module):
    """``(N, C, H, W)`` to ``(N, C, H * W)``."""

    def forward(self, x: Tensor) -> Tensor:
        """The same values in the same order."""
        return x.flatten(2)


class Maps(nn.Module):
    """``(N, C, H * W)`` to ``(N, C, H, W)``."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, x: Tensor) -> Tensor:
        """The same values in the same order."""
        return x.reshape(*x.shape[:2], *self.size)


class RowShift(nn.Module):
    """``(N, C, H * W)`` to ``x + shift``, per channel."""

    kind = "shift"

    shift: Tensor

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift.reshape(1, -1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.shift


@rewrite
def flatten_maps(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, on a graph with propagated shapes; returns how many operators work on rows now."""
    modules = modules_of(graph_module)
    sizes: dict[fx.Node, tuple[int, ...]] = {}  # of the maps that are rows now
    for node in list(graph_module.graph.nodes):
        layer = module_of(node, modules)
        parts, size = parts_of(node, layer), size_of(node)
        if size and parts and all(part in sizes or size_of(part) for part in parts):
            for part in parts:
                if part not in sizes:
                    node.replace_input_with(part, reshaped(graph_module, part, "rows", Rows()))
            if isinstance(layer, Shift):
                node.target = f"{node.name}_rows"
                graph_module.add_submodule(node.target, RowShift(layer.shift))
        elif not (isinstance(layer, (nn.ReLU, nn.ReLU6)) and node.all_input_nodes[0] in sizes):
            for source in node.all_input_nodes:
                if source in sizes:
                    node.replace_input_with(source, reshaped(graph_module, source, "maps", Maps(*sizes[source])))
            continue
        sizes[node] = size
        note_size(node, prod(size))
    return len(sizes)


def size_of(node: fx.Node) -> tuple[int, ...]:
    """Height and width of a tensor of four dimensions; empty for another."""
    shape = tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))
    return shape[2:] if len(shape) == 4 else ()


def note_size(node: fx.Node, *size: int) -> None:
    """Give a node the propagated shape with these dimensions behind the channels."""
    meta = node.meta["tensor_meta"]
    node.meta["tensor_meta"] = meta._replace(shape=torch.Size([*meta.shape[:2], *size]))


def parts_of(node: fx.Node, layer: nn.Module | None) -> list[fx.Node]:
    """The operands of a concatenation or gather of channels, or of an addition per channel; none for another node."""
    if is_cat(node) and argument(node, 1, "dim", 0) == 1 and node.args and isinstance(node.args[0], (list, tuple)):
        return list(dict.fromkeys(node.all_input_nodes))
    return node.all_input_nodes[:1] if is_gather(node) or isinstance(layer, Shift) else []


def reshaped(graph_module: fx.GraphModule, source: fx.Node, name: str, layer: nn.Module) -> fx.Node:
    """``source`` behind ``layer``, the same node for every reader."""
    target = f"{source.name}_{name}"
    for reader in source.users:
        if reader.target == target:
            return reader
    graph_module.add_submodule(target, layer)
    with graph_module.graph.inserting_after(source):
        node = graph_module.graph.call_module(target, (source,))
    node.meta = dict(source.meta)
    note_size(node, *(layer.size if isinstance(layer, Maps) else [prod(size_of(source))]))
    return node
