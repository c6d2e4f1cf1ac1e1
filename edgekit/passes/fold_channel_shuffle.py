"""Fold channel shuffles, splits and concatenations into the convolutions around them.

Each tensor's channels are reordered by who reads them, so that every reader takes contiguous slices of the tensors it
needs, and the leftover permutation goes into the weights. For ShuffleNet V2 no shuffle is left, and only the slices
that change hands are copied; for IGCV3 (its expansion made dense, see ``densify_group_conv``) nothing is left at all.

Precondition: what reads a shuffled tensor takes its channels in any order (see ``channel_flow``). A graph with one that
does not, such as ShuffleNet V1's group convolutions, is left alone as a whole.
"""

from __future__ import annotations

import copy
import operator
from dataclasses import dataclass

import torch
from torch import fx, nn

from ._pass import modules_of, rewrite
from .channel_flow import Channel, ChannelFlow, Flow, Permutation, channels_of, is_whole, trace_channels
from .densify_group_conv import densify_before_fold, undo

MAX_SLICES = 16  # per reader: more small copies than this cost more than the shuffle


@dataclass(frozen=True)
class Slice:
    """``tensor[:, start:stop]``."""

    tensor: fx.Node
    start: int
    stop: int


@dataclass(frozen=True)
class Gather:
    """The new input of a node: slices joined in this order; ``order[p]`` is the old channel at position ``p``."""

    slices: tuple[Slice, ...]
    order: tuple[int, ...]


@rewrite
def fold_channel_shuffle(graph_module: fx.GraphModule) -> int:
    """Fold in place; returns how many shuffles went. The graph's shapes must have been propagated."""
    shuffles = count_shuffles(graph_module)
    if not shuffles:
        return 0
    flow = trace_channels(graph_module)
    plan = make_plan(flow, graph_module)
    if plan is None:
        dense = densify_before_fold(graph_module)
        flow = trace_channels(graph_module)
        plan = make_plan(flow, graph_module) if dense else None
        if plan is None:
            undo(dense)
            return 0
    orders, gathers = plan
    joined: dict[tuple[Slice, ...], fx.Node] = {}
    for (node, source), gather in gathers.items():
        replace_input(graph_module, node, source, gather, joined)
    for node in list(flow.roots):
        if node.op == "call_module":
            reorder(graph_module, node, flow, orders, gathers)
    graph_module.graph.eliminate_dead_code()  # the shuffles that nothing reads any more
    return shuffles - count_shuffles(graph_module)


def count_shuffles(graph_module: fx.GraphModule) -> int:
    """Permutations in the graph."""
    modules = modules_of(graph_module)
    return sum(
        node.op == "call_module" and isinstance(modules[str(node.target)], Permutation)
        for node in graph_module.graph.nodes
    )


Orders = dict[fx.Node, tuple[int, ...]]
Gathers = dict[tuple[fx.Node, fx.Node], Gather]


def make_plan(flow: ChannelFlow, graph_module: fx.GraphModule) -> tuple[Orders, Gathers] | None:
    """A channel order for every root, and what every carrier and reader reads; None when a barrier forbids it."""
    orders = choose_orders(flow, modules_of(graph_module))
    gathers: Gathers = {}
    for node, source, read in flow.reads:
        if not read:
            continue
        gather = gather_for(read, flow, orders)
        if flow.kinds[node] == "barrier":
            if not is_whole(read, channels_of(source)) or gather.order != tuple(range(len(read))):
                return None
            continue
        if len(gather.slices) > MAX_SLICES:
            return None
        gathers[node, source] = gather
        if flow.kinds[node] == "carrier" and flow.roots[node] is node:
            orders[node] = gather.order
    return orders, gathers


def choose_orders(flow: ChannelFlow, modules: dict[str, nn.Module]) -> Orders:
    """Channels that the same nodes read stand together, in the order in which the first of them reads them.

    Only the outputs of dense convolutions can be reordered; those that a barrier reads keep their order.
    """
    readers: dict[Channel, list[tuple[int, int]]] = {}
    fixed = {flow.roots[c.tensor] for node, _, read in flow.reads if flow.kinds[node] == "barrier" for c in read}
    for number, (node, _, read) in enumerate(flow.reads):
        if flow.kinds[node] == "carrier" and flow.roots[node] is not node:
            continue  # passes on what it gets; those behind it decide
        for position, channel in enumerate(read):
            origin = Channel(flow.roots[channel.tensor], channel.index)
            readers.setdefault(origin, []).append((number, position))
    orders: Orders = {}
    for root in dict.fromkeys(flow.roots.values()):
        indices = range(channels_of(root))
        free = root not in fixed and root.op == "call_module" and isinstance(modules[str(root.target)], nn.Conv2d)
        if free and flow.kinds[root] == "reader":
            keys = {i: sort_key(readers.get(Channel(root, i), [])) for i in indices}
            orders[root] = tuple(sorted(indices, key=lambda i: (keys[i], i)))
        else:
            orders[root] = tuple(indices)
    return orders


def sort_key(reads: list[tuple[int, int]]) -> tuple[tuple[int, ...], int]:
    """Who reads a channel, then where the first of them has it."""
    return tuple(number for number, _ in reads), reads[0][1] if reads else 0


def gather_for(read: Flow, flow: ChannelFlow, orders: Orders) -> Gather:
    """The fewest slices that hold the channels of ``read``, tensor by tensor."""
    where: dict[fx.Node, dict[int, int]] = {}
    places: dict[fx.Node, dict[int, int]] = {}
    for position, channel in enumerate(read):
        tensor = channel.tensor
        if tensor not in places:
            places[tensor] = {index: place for place, index in enumerate(orders[flow.roots[tensor]])}
        where.setdefault(tensor, {})[places[tensor][channel.index]] = position
    slices, order = [], []
    for tensor, positions in where.items():
        taken = sorted(positions)
        start = taken[0]
        for place, following in zip(taken, [*taken[1:], -1], strict=True):
            order.append(positions[place])
            if following != place + 1:
                slices.append(Slice(tensor, start, place + 1))
                start = following
    return Gather(tuple(slices), tuple(order))


def replace_input(
    graph_module: fx.GraphModule,
    node: fx.Node,
    source: fx.Node,
    gather: Gather,
    joined: dict[tuple[Slice, ...], fx.Node],
) -> None:
    """Let ``node`` read the slices of ``gather`` instead of ``source``; equal gathers share one concatenation."""
    if gather.slices not in joined:
        graph = graph_module.graph
        # A dense block reads all that its earlier layers read and one tensor more: that concatenation is there already.
        known = max((n for n in range(2, len(gather.slices)) if gather.slices[:n] in joined), default=0)
        parts = [joined[gather.slices[:known]]] if known else []
        with graph.inserting_before(node):
            for piece in gather.slices[known:]:
                part = piece.tensor
                if (piece.start, piece.stop) != (0, channels_of(part)):
                    part = graph.call_function(operator.getitem, (part, (slice(None), slice(piece.start, piece.stop))))
                parts.append(part)
            joined[gather.slices] = parts[0] if len(parts) == 1 else graph.call_function(torch.cat, (parts, 1))
    node.replace_input_with(source, joined[gather.slices])


def reorder(graph_module: fx.GraphModule, node: fx.Node, flow: ChannelFlow, orders: Orders, gathers: Gathers) -> None:
    """Give a convolution, BN or linear layer the weights of the new channel orders."""
    layer = graph_module.get_submodule(str(node.target))
    rows = torch.tensor(orders[flow.roots[node]])
    columns = next((torch.tensor(g.order) for (reader, _), g in gathers.items() if reader is node), None)
    natural_rows = rows.equal(torch.arange(len(rows)))
    if columns is None or (natural_rows and columns.equal(torch.arange(len(columns)))):
        return
    layer = copy.deepcopy(layer)
    if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)):
        for name, value in list(layer.state_dict().items()):
            if value.ndim:
                take(layer, name, value[rows])
    if flow.kinds[node] == "reader":
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        take(layer, "weight", weight[:, columns])
    name = f"{str(node.target).replace('.', '_')}_reordered"
    graph_module.add_submodule(name, layer)
    node.target = name


def take(layer: nn.Module, name: str, value: torch.Tensor) -> None:
    """Replace a parameter or buffer by one of the same shape."""
    with torch.no_grad():
        getattr(layer, name).copy_(value.clone())
