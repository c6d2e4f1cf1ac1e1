"""Give each group that reads a shuffle a convolution of its own before it, so that nothing is left to shuffle.

    B(shuffle(A(x))), A and B group convolutions  =  concat over B's groups k of  B_k(A_k(x))

``A_k`` computes only the channels that group ``k`` of B reads: a convolution with A's groups and a part of A's outputs;
``B_k`` is a dense one. What stands between (activations, BN, depthwise convolutions) works on each part by itself. No
MAC is added, where ``fold_channel_shuffle`` has to make A dense, and only B's result, narrow in IGC V3, is copied.

Precondition: nothing else reads what is between; every group of B reads as many channels from each group of A, at least
:data:`NARROWEST`. ShuffleNet V1's and CondenseNet's parts are narrower, and lost wherever they were measured.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, channels_of, note_channels
from .densify_group_conv import group_conv, passes_on

NARROWEST = 16  # outputs of a group: fewer leave lanes of the vector units idle


@dataclass(frozen=True)
class Part:
    """The channels that one group of B reads, in A's order.

    Attributes:
        written: their places before the shuffle.
        read: their places behind it.
    """

    written: tuple[int, ...]
    read: tuple[int, ...]


@dataclass(frozen=True)
class Shuffled:
    """A shuffle between two group convolutions.

    Attributes:
        first, last: calls of the convolutions A and B.
        above, below: calls of the layers between, before and behind the shuffle, in the order of the data.
        parts: one for each group of B.
    """

    first: fx.Node
    above: tuple[fx.Node, ...]
    below: tuple[fx.Node, ...]
    last: fx.Node
    parts: tuple[Part, ...]


@rewrite
def split_shuffled(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many shuffles went. The graph's shapes must have been propagated."""
    changed = 0
    modules = modules_of(graph_module)  # what a split puts in is no part of a later match
    for node in list(graph_module.graph.nodes):
        found = match(node, modules)
        if found is not None:
            split(graph_module, found)
            changed += 1
    return changed


def match(shuffle: fx.Node, modules: dict[str, nn.Module]) -> Shuffled | None:
    """The convolutions around ``shuffle``, if it can be split."""
    layer: object = module_of(shuffle, modules)
    if not isinstance(layer, Permutation) or len(shuffle.users) != 1:
        return None
    above: list[fx.Node] = []
    below: list[fx.Node] = []
    first, last = shuffle.all_input_nodes[0], next(iter(shuffle.users))
    while between(first, modules):
        above.insert(0, first)
        first = first.all_input_nodes[0]
    while between(last, modules):
        below.append(last)
        last = next(iter(last.users))
    a, b = group_conv(first, modules), group_conv(last, modules)
    if a is None or b is None or len(first.users) != 1:
        return None
    parts = even_parts(layer.order(channels_of(shuffle)), a.groups, b.groups)
    return None if parts is None else Shuffled(first, tuple(above), tuple(below), last, parts)


def between(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for a layer that works on each channel by itself and has one reader."""
    return node.op == "call_module" and len(node.users) == 1 and passes_on(modules[str(node.target)])


def even_parts(order: tuple[int, ...], writers: int, readers: int) -> tuple[Part, ...] | None:
    """A part for each reading group; None when one does not get as many, or gets too few, from each writing group."""
    width, per_writer = len(order) // readers, len(order) // writers
    share = width // writers
    if share < NARROWEST:
        return None
    parts = []
    for start in range(0, len(order), width):
        pairs = sorted((order[place], place) for place in range(start, start + width))
        if any(written // per_writer != number // share for number, (written, _) in enumerate(pairs)):
            return None
        parts.append(Part(*(tuple(column) for column in zip(*pairs, strict=True))))
    return tuple(parts)


def split(graph_module: fx.GraphModule, found: Shuffled) -> None:
    """Put the parts in the place of what was matched."""
    graph, joined = graph_module.graph, []

    def layer_of(node: fx.Node) -> nn.Module:
        return graph_module.get_submodule(str(node.target))

    with graph.inserting_before(found.last):
        for number, part in enumerate(found.parts):
            layers = [
                *((node, rows_of(layer_of(node), part.written)) for node in (found.first, *found.above)),
                *((node, rows_of(layer_of(node), part.read)) for node in found.below),
                (found.last, group_of(layer_of(found.last), number, part)),
            ]
            value = found.first.all_input_nodes[0]
            for node, layer in layers:
                name = f"{node.target}_part{number}".replace(".", "_")
                graph_module.add_submodule(name, layer.eval())
                value = graph.call_module(name, (value,))
                note_channels(value, len(part.read), like=node)
            note_channels(value, channels_of(found.last) // len(found.parts))
            joined.append(value)
        whole = graph.call_function(torch.cat, (joined, 1))
        note_channels(whole, channels_of(found.last), like=found.last)
    found.last.replace_all_uses_with(whole)


def rows_of(layer: nn.Module, rows: tuple[int, ...]) -> nn.Module:
    """The layer with these of its output channels, a channelwise one with these of its inputs as well."""
    new = copy.deepcopy(layer)
    for name, value in layer.state_dict().items():
        if value.ndim:
            put(new, name, value[list(rows)])
    if isinstance(new, nn.BatchNorm2d):
        new.num_features = len(rows)
    elif isinstance(new, nn.Conv2d):
        if new.groups == new.in_channels:
            new.in_channels = new.groups = len(rows)
        new.out_channels = len(rows)
    return new


def group_of(conv: nn.Module, number: int, part: Part) -> nn.Conv2d:
    """One group of a convolution, its columns in the order of ``part``."""
    assert isinstance(conv, nn.Conv2d)
    height, width = conv.out_channels // conv.groups, conv.in_channels // conv.groups
    new = rows_of(conv, tuple(range(number * height, (number + 1) * height)))
    assert isinstance(new, nn.Conv2d)
    put(new, "weight", new.weight.detach()[:, [place - number * width for place in part.read]])
    new.in_channels, new.groups = width, 1
    return new


def put(layer: nn.Module, name: str, value: torch.Tensor) -> None:
    """Replace a parameter or buffer by one of another shape."""
    old = getattr(layer, name)
    setattr(layer, name, nn.Parameter(value, requires_grad=False) if isinstance(old, nn.Parameter) else value)
