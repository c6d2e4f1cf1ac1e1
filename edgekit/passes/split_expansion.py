"""Store the input of a depthwise convolution in two tensors, so that each has a scale of its own in int8.

    depthwise(act(conv(x))) = concat(depthwise_1(act(conv_1(x))), depthwise_2(act(conv_2(x))))

One scale for all channels suits those of the largest range, and of a hard-swish few channels reach ten times as far as
most. The convolution in front, the activation and the depthwise convolution are written twice, each for a part of the
channels, and their results joined, channels of small range first. Multiply-accumulates stay the same. What reads the
result gets the columns of its weights in that order.

Precondition: nothing else reads what is between, and what reads the result is a dense convolution behind activations,
poolings and products with a gate whose own convolution can have its rows moved too.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import fx, nn

from ._pass import conv_like, module_of, modules_of
from .absorb_shuffle import with_columns, with_rows
from .absorb_sixth import SixfoldHardSwish
from .channel_flow import CARRIER_FUNCTIONS, CARRIER_MODULES, ELEMENT_WISE, note_channels
from .split_hard_swish import SplitHardSwish

ELEMENTWISE = (*ELEMENT_WISE, SixfoldHardSwish, SplitHardSwish)
ALONG = (*CARRIER_MODULES, SixfoldHardSwish, SplitHardSwish)
ALONG_FUNCTIONS = (*CARRIER_FUNCTIONS, torch.mean)
FUSED = (nn.ReLU, nn.ReLU6)
PRODUCTS = (operator.mul, torch.mul)


@dataclass(frozen=True)
class Expansion:
    """A depthwise convolution with what makes its input, as far as nothing else reads it.

    Attributes:
        conv: the dense convolution; ``between`` the activations behind it.
        depthwise: the convolution; ``behind`` the activation that runtimes compute with it.
        rows: convolutions of gates, whose output channels follow the order.
        columns: convolutions that read the result.
    """

    conv: fx.Node
    between: tuple[fx.Node, ...]
    depthwise: fx.Node
    behind: tuple[fx.Node, ...]
    rows: tuple[fx.Node, ...] = field(default=())
    columns: tuple[fx.Node, ...] = field(default=())


def expansions(graph_module: fx.GraphModule) -> dict[str, Expansion]:
    """The expansions that can be split, by the module that the depthwise convolution's node calls."""
    modules = modules_of(graph_module)
    found = {}
    for node in graph_module.graph.nodes:
        layer = module_of(node, modules)
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels == layer.out_channels > 1:
            expansion = expansion_of(node, modules)
            if expansion is not None:
                found[str(node.target)] = expansion
    return found


def expansion_of(depthwise: fx.Node, modules: Mapping[str, nn.Module]) -> Expansion | None:
    """The expansion that a depthwise convolution ends, or None where something else reads its parts."""
    between: list[fx.Node] = []
    node = depthwise.all_input_nodes[0]
    while isinstance(modules.get(str(node.target)), ELEMENTWISE) and len(node.users) == 1:
        between.insert(0, node)
        node = node.all_input_nodes[0]
    conv = modules.get(str(node.target))
    if not isinstance(conv, nn.Conv2d) or conv.groups != 1 or len(node.users) != 1:
        return None
    last, behind = depthwise, []
    reader = next(iter(depthwise.users), None)
    if reader is not None and len(depthwise.users) == 1 and isinstance(modules.get(str(reader.target)), FUSED):
        last, behind = reader, [reader]
    ends = readers_of(last, modules)
    if ends is None:
        return None
    return Expansion(node, tuple(between), depthwise, tuple(behind), *ends)


def readers_of(
    source: fx.Node, modules: Mapping[str, nn.Module]
) -> tuple[tuple[fx.Node, ...], tuple[fx.Node, ...]] | None:
    """The convolutions whose rows, and whose columns, follow the order of a tensor's channels; None for others."""
    moved, waiting = {source}, [source]
    rows: list[fx.Node] = []
    columns: list[fx.Node] = []
    while waiting:
        for node in waiting.pop().users:
            if node in moved or node in columns:
                continue
            layer = module_of(node, dict(modules))
            if isinstance(layer, nn.Conv2d) and layer.groups == 1:
                columns.append(node)
                continue
            product = node.op == "call_function" and node.target in PRODUCTS
            if not (product or passes_channels(node, layer)):
                return None
            moved.add(node)
            waiting.append(node)
            for other in node.all_input_nodes if product else ():
                writer = other if other in moved else gate_writer(other, modules)
                if writer is None:
                    return None
                if other not in moved and writer not in rows:
                    rows.append(writer)
    # A gate reads the tensor, and its own result is multiplied with it: its last convolution has rows moved, too.
    return tuple(rows), tuple(columns)


def passes_channels(node: fx.Node, layer: object) -> bool:
    """True for what works on every channel by itself and has no parameters for them."""
    if isinstance(layer, ALONG):
        return not isinstance(layer, nn.BatchNorm2d)
    return type(layer).__name__ == "SpatialMean" or (node.op == "call_function" and node.target in ALONG_FUNCTIONS)


def gate_writer(node: fx.Node, modules: Mapping[str, nn.Module]) -> fx.Node | None:
    """The convolution that alone makes a gate, through activations."""
    while isinstance(modules.get(str(node.target)), ELEMENTWISE) and len(node.users) == 1:
        node = node.all_input_nodes[0]
    layer = modules.get(str(node.target))
    return node if isinstance(layer, nn.Conv2d) and layer.groups == 1 and len(node.users) == 1 else None


def split_expansion(graph_module: fx.GraphModule, expansion: Expansion, parts: Sequence[Sequence[int]]) -> None:
    """Split in place: one conv, activation and depthwise convolution for each of the parts, lists of channels."""
    graph, modules = graph_module.graph, modules_of(graph_module)
    last = (expansion.depthwise, *expansion.behind)[-1]
    results = []
    with graph.inserting_before(last.next):
        for number, part in enumerate(parts):
            made = expansion.conv.all_input_nodes[0]
            for node in (expansion.conv, *expansion.between, expansion.depthwise, *expansion.behind):
                layer = modules[str(node.target)]
                name = f"{str(node.target).replace('.', '_')}_part{number}"
                graph_module.add_submodule(name, part_of(layer, part))
                new = graph.call_module(name, (made,))
                new.meta = dict(node.meta)
                note_channels(new, len(part), node)
                made = new
            results.append(made)
        joined = graph.call_function(torch.cat, (results, 1))
        joined.meta = {key: value for key, value in last.meta.items() if key == "tensor_meta"}
    last.replace_all_uses_with(joined, delete_user_cb=lambda user: user is not joined)
    order = tuple(channel for part in parts for channel in part)
    for nodes, change in ((expansion.rows, with_rows), (expansion.columns, columns_in_order)):
        for node in nodes:
            name = f"{str(node.target).replace('.', '_')}_ordered"
            layer = graph_module.get_submodule(str(node.target))
            assert isinstance(layer, nn.Conv2d)
            graph_module.add_submodule(name, change(layer, order))
            node.target = name
    graph.eliminate_dead_code()
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()


def part_of(layer: nn.Module, part: Sequence[int]) -> nn.Module:
    """The layer restricted to some of the channels."""
    if not isinstance(layer, nn.Conv2d):
        return copy.deepcopy(layer)
    chosen, count = torch.tensor(list(part)), len(part)
    new = (
        conv_like(layer, out_channels=count)
        if layer.groups == 1
        else conv_like(layer, in_channels=count, out_channels=count, groups=count)
    )
    with torch.no_grad():
        new.weight.copy_(layer.weight[chosen])
        if new.bias is not None and layer.bias is not None:
            new.bias.copy_(layer.bias[chosen])
    return new.eval()


def columns_in_order(conv: nn.Conv2d, order: tuple[int, ...]) -> nn.Conv2d:
    """The convolution that reads at place ``i`` the channel that was at ``order[i]``."""
    back = [0] * len(order)
    for place, channel in enumerate(order):
        back[channel] = place
    return with_columns(conv, tuple(back))
