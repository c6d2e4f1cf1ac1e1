"""Move a BN that follows a channel shuffle in front of it, so that ``fold_batch_norm`` reaches the convolution there.

    BN(shuffle(x)) = shuffle(BN'(x)),    BN' has BN's parameters in the shuffle's inverse order

Precondition: the shuffle's result is used by the BN alone. CondenseNet's second BN of every layer goes this way.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation

Layer = TypeVar("Layer", bound=nn.Module)


@rewrite
def hoist_batch_norm(graph_module: fx.GraphModule) -> int:
    """Move in place; returns how many BN layers moved."""
    modules = modules_of(graph_module)
    moved = 0
    for node in list(graph_module.graph.nodes):
        norm = module_of(node, modules)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        shuffle = node.args[0]
        layer = module_of(shuffle, modules)
        if not isinstance(layer, Permutation) or len(shuffle.users) != 1:
            continue
        name = f"{node.target}_hoisted".replace(".", "_")
        graph_module.add_submodule(name, reordered(norm, layer.order(norm.num_features)))
        with graph_module.graph.inserting_before(shuffle):
            before = graph_module.graph.call_module(name, (shuffle.args[0],))
        before.meta = dict(shuffle.args[0].meta)
        shuffle.replace_input_with(shuffle.args[0], before)
        node.replace_all_uses_with(shuffle)
        graph_module.graph.erase_node(node)
        moved += 1
    return moved


def reordered(layer: Layer, order: tuple[int, ...]) -> Layer:
    """The BN or depthwise convolution whose channel ``order[i]`` has the parameters of ``layer``'s channel ``i``."""
    moved = copy.deepcopy(layer)
    target = torch.tensor(order)
    with torch.no_grad():
        for name, value in layer.state_dict().items():
            if value.ndim:
                getattr(moved, name)[target] = value
    return moved
