"""Where each channel of each tensor of a graph comes from, seen through shuffles, splits and concatenations.

A *move* (shuffle, chunk, slice, concatenation) computes nothing. A *carrier* (activation, pooling, BN, depthwise
convolution) works on each channel by itself, so it takes them in any order, its parameters reordered. A *reader* (dense
convolution, linear) sums over all channels and takes them in any order too, its weight columns reordered. All else is
a *barrier*: it needs the channels as the network has them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import fx, nn

from ._pass import modules_of

ELEMENT_WISE = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Identity)
CARRIER_MODULES = (
    *ELEMENT_WISE,
    nn.Dropout,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.BatchNorm2d,
)
CARRIER_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    nn.functional.adaptive_avg_pool2d,
    nn.functional.relu,
    nn.functional.relu6,
    torch.flatten,
)


@runtime_checkable
class Permutation(Protocol):
    """A layer that only reorders channels: new channel ``i`` is old channel ``order(n)[i]``."""

    def order(self, channels: int) -> tuple[int, ...]:
        """The permutation of ``channels`` channels."""
        ...


class Channel(NamedTuple):
    """One channel of a tensor that the graph really computes; a wide network has some hundred thousand."""

    tensor: fx.Node
    index: int  # type: ignore[assignment] # a tuple's method of this name is not called


Flow = tuple[Channel, ...]


@dataclass
class ChannelFlow:
    """The result of :func:`trace_channels`.

    Attributes:
        flows: the channels of every tensor, moves resolved; a list of flows for the result of a chunk.
        roots: for every computed tensor the one whose channel order decides its own.
        reads: carriers, readers and barriers with the flow they read, in graph order.
        kinds: ``carrier``, ``reader``, ``barrier`` or ``move`` of every node.
    """

    flows: dict[fx.Node, Flow | list[Flow]] = field(default_factory=dict)
    roots: dict[fx.Node, fx.Node] = field(default_factory=dict)
    reads: list[tuple[fx.Node, fx.Node, Flow]] = field(default_factory=list)
    kinds: dict[fx.Node, str] = field(default_factory=dict)

    def flow(self, node: fx.Node) -> Flow:
        """The channels of a tensor.

        Raises:
            TypeError: the node is a list of tensors.
        """
        found = self.flows[node]
        if isinstance(found, list):
            raise TypeError(f"{node} is a list of tensors")
        return found


def own_channels(node: fx.Node, count: int) -> Flow:
    """The channels of a computed tensor in its own order."""
    return tuple(Channel(node, index) for index in range(count))


def is_whole(flow: Flow, channels: int) -> bool:
    """True for the ``channels`` channels of one tensor in that tensor's own order."""
    return len(flow) == channels and all(c.tensor is flow[0].tensor and c.index == i for i, c in enumerate(flow))


def channels_of(node: fx.Node) -> int:
    """Size of dimension 1 of a tensor whose shape was propagated; 0 for what has none."""
    meta = node.meta.get("tensor_meta")
    shape = list(getattr(meta, "shape", ()))
    return int(shape[1]) if len(shape) > 1 else 0


def kind_of(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    """``move``, ``carrier``, ``reader`` or ``barrier``."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        if isinstance(module, Permutation):
            return "move"
        if isinstance(module, nn.Conv2d):
            if module.groups == 1:
                return "reader"
            return "carrier" if module.groups == module.in_channels == module.out_channels else "barrier"
        if isinstance(module, nn.Linear):
            return "reader"
        return "carrier" if isinstance(module, CARRIER_MODULES) else "barrier"
    if node.op == "call_function" and node.target in CARRIER_FUNCTIONS:
        return "carrier"
    if node.op == "call_method" and node.target == "chunk":
        return "move"
    if node.op == "call_function" and node.target in (torch.cat, torch.chunk):
        return "move"
    if node.op == "call_function" and node.target is operator.getitem:
        return "move"
    return "barrier"


def trace_channels(graph_module: fx.GraphModule) -> ChannelFlow:
    """Follow every channel through a graph with propagated shapes (``shapes``)."""
    modules = modules_of(graph_module)
    result = ChannelFlow()
    for node in graph_module.graph.nodes:
        kind = kind_of(node, modules)
        if kind == "move":
            moved = move(node, modules, result)
            if moved is None:
                kind = "barrier"
            else:
                result.flows[node], result.kinds[node] = moved, kind
                continue
        result.kinds[node] = kind
        for source in node.all_input_nodes:
            found = result.flows[source]
            for flow in found if isinstance(found, list) else [found]:
                result.reads.append((node, source, flow))
        channels = channels_of(node)
        result.flows[node] = own_channels(node, channels)
        result.roots[node] = node
        if kind == "carrier":
            flow = result.flow(node.all_input_nodes[0])
            if flow and is_whole(flow, channels):
                result.roots[node] = result.roots[flow[0].tensor]
    return result


def move(node: fx.Node, modules: dict[str, nn.Module], so_far: ChannelFlow) -> Flow | list[Flow] | None:
    """The flow that a move gives, or None for one along another dimension or of another kind."""
    if node.op == "call_module":
        flow = so_far.flow(node.all_input_nodes[0])
        layer = modules[str(node.target)]
        assert isinstance(layer, Permutation)
        return tuple(flow[index] for index in layer.order(len(flow)))
    if node.target is operator.getitem:
        source, index = node.args
        found = so_far.flows.get(source) if isinstance(source, fx.Node) else None
        return found[index] if isinstance(found, list) and isinstance(index, int) else None
    if argument(node, 2 if node.target in ("chunk", torch.chunk) else 1, "dim", 0) != 1:
        return None
    if node.target is torch.cat:
        parts = node.args[0]
        assert isinstance(parts, (list, tuple))
        return tuple(channel for part in parts for channel in so_far.flow(part))  # type: ignore[arg-type]
    flow = so_far.flow(node.all_input_nodes[0])
    count = argument(node, 1, "chunks", 1)
    size = -(-len(flow) // count)
    return [flow[start : start + size] for start in range(0, len(flow), size)]


def is_gather(node: fx.Node) -> bool:
    """True for a gather of channels with its arguments by position: ``torch.index_select(x, 1, index)``."""
    called = node.op == "call_function" and node.target is torch.index_select
    return called and len(node.args) == 3 and bool(node.args[1] == 1)


def call_instead(graph_module: fx.GraphModule, node: fx.Node, layer: nn.Module, word: str) -> None:
    """Let this call use ``layer``, under a name that ends with ``word``; other calls of its old one keep that."""
    name = f"{node.name}_{word}"
    graph_module.add_submodule(name, layer)
    node.target = name


def note_channels(node: fx.Node, channels: int, like: fx.Node | None = None) -> None:
    """Give a node the propagated shape of another, or its own, with this number of channels."""
    meta = (like or node).meta.get("tensor_meta")
    if meta is not None:
        shape = (meta.shape[0], channels, *meta.shape[2:])
        node.meta["tensor_meta"] = meta._replace(shape=torch.Size(shape))


def argument(node: fx.Node, position: int, name: str, default: int) -> int:
    """An integer argument of a call, given by position or by name."""
    value = node.args[position] if len(node.args) > position else node.kwargs.get(name, default)
    return value if isinstance(value, int) else default
