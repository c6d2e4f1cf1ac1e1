"""Move a ReLU that follows a concatenation or a channel shuffle in front of it, where convolutions take it in.

    relu(cat(a, b)) = cat(relu(a), relu(b)),    relu(shuffle(x)) = shuffle(relu(x))

Quantized, XNNPACK takes no ReLU that stands alone. Precondition: the ReLU alone reads the concatenation or shuffle. A
part that has no negative values needs none.
"""

from __future__ import annotations

import torch
from torch import fx, nn

from ._pass import modules_of, rewrite
from .channel_flow import Permutation
from .zero_pad_pool import is_not_negative

POOLS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Dropout, nn.Identity)


@rewrite
def hoist_relu(graph_module: fx.GraphModule) -> int:
    """Move in place; returns how many ReLU layers moved."""
    changed = 0
    graph = graph_module.graph
    modules = modules_of(graph_module)
    for node in list(graph.nodes):
        if node.op != "call_module" or not isinstance(modules[str(node.target)], (nn.ReLU, nn.ReLU6)):
            continue
        joined = node.all_input_nodes[0]
        if len(joined.users) != 1 or not (is_cat(joined) or is_shuffle(joined, modules)):
            continue
        plain = isinstance(modules[str(node.target)], nn.ReLU)
        for part in dict.fromkeys(joined.all_input_nodes):
            if plain and stays_positive(part, modules):
                continue
            with graph.inserting_before(joined):
                before = graph.call_module(str(node.target), (part,))
            before.meta = {**node.meta, "tensor_meta": part.meta.get("tensor_meta")}
            joined.replace_input_with(part, before)
        node.replace_all_uses_with(joined)
        graph.erase_node(node)
        changed += 1
    return changed


def is_cat(node: fx.Node) -> bool:
    """True for a concatenation."""
    return node.op == "call_function" and node.target is torch.cat


def is_shuffle(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for a permutation of channels."""
    return node.op == "call_module" and isinstance(modules[str(node.target)], Permutation)


def stays_positive(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for what has no negative values, pooled or not."""
    while node.op == "call_module" and isinstance(modules[str(node.target)], POOLS):
        node = node.all_input_nodes[0]
    return is_not_negative(node, modules)
