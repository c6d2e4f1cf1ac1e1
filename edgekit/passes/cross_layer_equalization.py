"""Even out the ranges of the channels between two layers, so that one scale for a whole tensor serves them all.

    W2 relu(W1 x + b1) = (W2 S) relu(S^-1 W1 x + S^-1 b1),    S diagonal and positive

(Nagel et al. 2019, arXiv:1906.04721, section 4.1.) Between the layers there may be nothing, or what is positively
homogeneous and works on each channel by itself: ReLU, pooling, concatenation. ReLU6 is not (its 6 would become one
limit a channel, a second operator that no delegate fuses), nor is hard-swish: they are left alone. Precondition: every
reader of the layer's result is, behind such operators, a convolution or linear layer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .absorb_sixth import SCALES_ALONG

ROUNDS = 20
SETTLED = 0.01
"""A round that changes no scale by more is the last."""
SCALES_ALONG_FUNCTIONS = (
    nn.functional.adaptive_avg_pool2d,
    nn.functional.avg_pool2d,
    nn.functional.max_pool2d,
    nn.functional.relu,
    torch.relu,
)
Weighted = nn.Conv2d | nn.Linear


@dataclass(frozen=True)
class Reader:
    """A layer that reads the channels of another from its input channel ``offset`` on."""

    layer: Weighted
    offset: int


@dataclass(frozen=True)
class Pair:
    """A layer and all that read it."""

    layer: Weighted
    readers: tuple[Reader, ...]


@rewrite
def cross_layer_equalization(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, on a graph with propagated shapes; returns how many layers have their outputs scaled."""
    own_modules(graph_module)
    modules = modules_of(graph_module)
    pairs = [pair for node in graph_module.graph.nodes if (pair := pair_of(node, modules)) is not None]
    changed: set[int] = set()
    for _ in range(ROUNDS):
        steps = [equalize(pair) for pair in pairs]
        changed |= {index for index, step in enumerate(steps) if step > 0}
        if max(steps, default=0.0) < SETTLED:
            break
    return len(changed)


def own_modules(graph_module: fx.GraphModule) -> None:
    """Give every convolution and linear layer parameters that no other network and no other node shares."""
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        layer = module_of(node, modules)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            name = f"{node.name}_equalized"
            graph_module.add_submodule(name, copy.deepcopy(layer))
            node.target = name
    graph_module.delete_all_unused_submodules()


def pair_of(node: fx.Node, modules: dict[str, nn.Module]) -> Pair | None:
    """The layer of a node with its readers; None when something reads it that a scale cannot pass."""
    layer = module_of(node, modules)
    if not isinstance(layer, (nn.Conv2d, nn.Linear)):
        return None
    readers: list[Reader] = []
    pending = [(node, 0)]
    while pending:
        source, offset = pending.pop()
        if not source.users:
            return None
        for user in source.users:
            follower = module_of(user, modules)
            if isinstance(follower, (nn.Conv2d, nn.Linear)):
                if user.all_input_nodes != [source]:
                    return None
                readers.append(Reader(follower, offset))
            elif (places := offsets_in(user, source)) is not None:
                pending += [(user, offset + place) for place in places]
            elif isinstance(follower, SCALES_ALONG) or scales_along(user):
                pending.append((user, offset))
            else:
                return None
    return Pair(layer, tuple(readers))


def scales_along(node: fx.Node) -> bool:
    """True for a function that works on each channel by itself and scales with it."""
    return (node.op == "call_function" and node.target in SCALES_ALONG_FUNCTIONS) or is_flattening(node)


def offsets_in(node: fx.Node, source: fx.Node) -> list[int] | None:
    """Where the channels of ``source`` lie in a concatenation along channels; None for any other node."""
    if node.op != "call_function" or node.target is not torch.cat:
        return None
    parts = node.args[0]
    dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    if dim != 1 or not isinstance(parts, (list, tuple)):
        return None
    places, position = [], 0
    for part in parts:
        assert isinstance(part, fx.Node)
        shape = getattr(part.meta.get("tensor_meta"), "shape", None)
        if shape is None:
            return None
        if part is source:
            places.append(position)
        position += int(shape[1])
    return places


def is_flattening(node: fx.Node) -> bool:
    """True for a flattening of ``(N, C, 1, 1)`` from dimension 1 on: one element a channel."""
    if node.op != "call_function" or node.target is not torch.flatten:
        return False
    start = node.args[1] if len(node.args) > 1 else node.kwargs.get("start_dim", 0)
    given = getattr(node.all_input_nodes[0].meta.get("tensor_meta"), "shape", ())
    return bool(start == 1 and len(given) > 2 and all(size == 1 for size in given[2:]))


def equalize(pair: Pair) -> float:
    """Scale one layer and its readers; how far from 1 the scales were, as a logarithm."""
    weight = pair.layer.weight
    made = weight.detach().double().flatten(1).abs().amax(1)
    read = torch.stack([column_ranges(reader, len(made)) for reader in pair.readers]).amax(0)
    alive = (made > 0) & (read > 0)
    scale = torch.where(alive, torch.sqrt(made / torch.where(alive, read, 1.0)), 1.0)
    with torch.no_grad():
        weight.copy_(weight.double() / scale.reshape(-1, *[1] * (weight.dim() - 1)))
        if pair.layer.bias is not None:
            pair.layer.bias.copy_(pair.layer.bias.double() / scale)
        for reader in pair.readers:
            factors = torch.ones(channels_read(reader.layer), dtype=torch.float64)
            factors[reader.offset : reader.offset + len(scale)] = scale
            reader.layer.weight.copy_(reader.layer.weight.double() * columns(reader.layer, factors))
    return float(scale.log().abs().max())


def channels_read(layer: Weighted) -> int:
    """Input channels of a layer."""
    return layer.in_channels if isinstance(layer, nn.Conv2d) else layer.in_features


def column_ranges(reader: Reader, count: int) -> Tensor:
    """The largest absolute weight of the reader for each of the ``count`` channels, float64."""
    layer = reader.layer
    weight = layer.weight.detach().double().abs()
    if isinstance(layer, nn.Conv2d):
        # (groups, rows, columns, kernel) to a range per group and column: in the order of the input channels.
        weight = weight.reshape(layer.groups, layer.out_channels // layer.groups, weight.shape[1], -1)
        ranges = weight.amax((1, 3)).reshape(-1)
    else:
        ranges = weight.amax(0)
    return ranges[reader.offset : reader.offset + count]


def columns(layer: Weighted, factors: Tensor) -> Tensor:
    """Factors of the input channels, in a shape that broadcasts against the layer's weight."""
    if isinstance(layer, nn.Linear):
        return factors.reshape(1, -1)
    rows, width = layer.out_channels // layer.groups, layer.in_channels // layer.groups
    return factors.reshape(layer.groups, 1, width).expand(-1, rows, -1).reshape(-1, width, 1, 1)
