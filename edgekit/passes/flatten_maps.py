"""Concatenate, gather and shift feature maps as rows of pixels, for ONNX Runtime in int8.

    cat(a, b)[index] + shift = reshape(cat(rows(a), rows(b))[index] + shift),    rows(x) = x as (N, C, H * W)

Its int8 convolutions want NHWC, and its optimizer keeps what is between them in that layout, where a concatenation
copies pixel by pixel, an addition per channel works on a few numbers at a time, and the sum of all features is
transposed for every gather. It moves no transpose across a reshape: so each new feature is transposed once, and what is
read of them. A reshape copies nothing. Nothing changes but the layout.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from .absorb_scale import Shift
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

    shift: Tensor

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift.reshape(1, -1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.shift


def flatten_maps(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, on a graph with propagated shapes; returns how many operators work on rows now."""
    modules = dict(graph_module.named_modules())
    rows: set[fx.Node] = set()
    for node in list(graph_module.graph.nodes):
        sources = list(dict.fromkeys(node.all_input_nodes))
        if gains(node, modules) and size_of(node):
            for source in sources:
                if source not in rows and source.op != "get_attr":
                    node.replace_input_with(source, reshaped(graph_module, source, "rows", Rows()))
            layer = modules.get(str(node.target)) if node.op == "call_module" else None
            if isinstance(layer, Shift):
                node.target = f"{node.name}_rows"
                graph_module.add_submodule(node.target, RowShift(layer.shift))
            rows.add(node)
        elif is_relu(node, modules) and sources[0] in rows:
            rows.add(node)
        else:
            for source in set(sources) & rows:
                height, width = size_of(source)
                node.replace_input_with(source, reshaped(graph_module, source, "maps", Maps(height, width)))
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return len(rows)


def size_of(node: fx.Node) -> tuple[int, ...]:
    """Height and width of a tensor of four dimensions; empty for another."""
    shape = tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))
    return shape[2:] if len(shape) == 4 else ()


def gains(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for a concatenation or a gather of channels, and for an addition per channel."""
    gather = node.op == "call_function" and node.target is torch.index_select and node.args[1] == 1
    shift = node.op == "call_module" and isinstance(modules.get(str(node.target)), Shift)
    return bool(gather) or shift or (is_cat(node) and node.args[1:] == (1,))


def is_relu(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for an activation that works on rows as on maps."""
    return node.op == "call_module" and isinstance(modules.get(str(node.target)), (nn.ReLU, nn.ReLU6))


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
    return node
