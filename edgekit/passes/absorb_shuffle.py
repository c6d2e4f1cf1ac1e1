"""Let a dense convolution beside a channel shuffle write or read its channels in another order; the shuffle goes.

    shuffle(relu(conv(x))) = relu(conv'(x)), the rows of the weights in the shuffle's order
    conv(relu(shuffle(x))) = conv'(relu(x)), their columns moved back

One place at a time, where ``fold_channel_shuffle`` plans for the whole graph and gives up when a group convolution
reads a shuffled tensor. Precondition: nothing else reads what is between, and a ReLU is all that is.
"""

from __future__ import annotations

import copy

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, call_instead, channels_of


@rewrite
def absorb_shuffle(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many shuffles went. The graph's shapes must have been propagated."""
    modules = modules_of(graph_module)
    changed = 0
    for shuffle in list(graph_module.graph.nodes):
        layer = module_of(shuffle, modules)
        if not isinstance(layer, Permutation):
            continue
        order = layer.order(channels_of(shuffle))
        before, behind = writer(shuffle, modules), reader(shuffle, modules)
        conv_node = before or behind
        if conv_node is None:
            continue
        conv = modules[str(conv_node.target)]
        assert isinstance(conv, nn.Conv2d)
        other = with_rows(conv, order) if before else with_columns(conv, order)
        call_instead(graph_module, conv_node, other, "shuffled")
        modules[str(conv_node.target)] = other
        shuffle.replace_all_uses_with(shuffle.args[0])
        changed += 1
    return changed


def writer(shuffle: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The dense convolution whose result only the shuffle reads, directly or behind a ReLU; None when it is not so."""
    node = shuffle.args[0]
    while isinstance(node, fx.Node) and node.op == "call_module" and len(node.users) == 1:
        layer = modules.get(str(node.target))
        if isinstance(layer, nn.Conv2d):
            return node if layer.groups == 1 else None
        if not isinstance(layer, (nn.ReLU, nn.ReLU6)):
            return None
        node = node.args[0]
    return None


def reader(shuffle: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The dense convolution that alone reads the shuffle, directly or behind a ReLU; None when it is not so."""
    node = shuffle
    while len(node.users) == 1:
        node = next(iter(node.users))
        layer = module_of(node, modules)
        if isinstance(layer, nn.Conv2d):
            return node if layer.groups == 1 else None
        if not isinstance(layer, (nn.ReLU, nn.ReLU6)):
            return None
    return None


def with_rows(conv: nn.Conv2d, order: tuple[int, ...]) -> nn.Conv2d:
    """The convolution with its output channels in another order."""
    other, rows = copy.deepcopy(conv), torch.tensor(order)
    with torch.no_grad():
        other.weight.copy_(conv.weight[rows])
        if other.bias is not None and conv.bias is not None:
            other.bias.copy_(conv.bias[rows])
    return other


def with_columns(conv: nn.Conv2d, order: tuple[int, ...]) -> nn.Conv2d:
    """The convolution that reads channel ``order[i]`` where it read channel ``i``."""
    other = copy.deepcopy(conv)
    with torch.no_grad():
        other.weight[:, list(order)] = conv.weight
    return other
