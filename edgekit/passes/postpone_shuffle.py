"""Move a channel shuffle behind the layer with a stride that alone reads it, where the map is smaller.

    depthwise(shuffle(x)) = shuffle(depthwise'(x)),    depthwise' has the filters in the shuffle's inverse order

A shuffle computes nothing and costs as much as the map is large. Every ShuffleNet V1 unit with stride 2 shuffles just
before its depthwise convolution, a map four times as large as just behind. Precondition: nothing but layers that work
on each channel by itself stands between, and the map gets smaller.
"""

from __future__ import annotations

from math import prod

from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, call_instead, channels_of, kind_of
from .hoist_batch_norm import reordered


@rewrite
def postpone_shuffle(graph_module: fx.GraphModule) -> int:
    """Move in place; returns how many shuffles moved. The graph's shapes must have been propagated."""
    graph = graph_module.graph
    modules = modules_of(graph_module)
    changed = 0
    for shuffle in list(graph.nodes):
        layer = module_of(shuffle, modules)
        if not isinstance(layer, Permutation):
            continue
        passed = smaller_behind(shuffle, modules)
        if not passed:
            continue
        order = layer.order(channels_of(shuffle))
        for node in passed:
            carrier = modules[str(node.target)]
            if isinstance(carrier, (nn.Conv2d, nn.BatchNorm2d)):
                call_instead(graph_module, node, reordered(carrier, order), "ahead")
        last = passed[-1]
        readers = list(last.users)
        with graph.inserting_after(last):
            behind = graph.call_module(str(shuffle.target), (last,))
        behind.meta = {**shuffle.meta, "tensor_meta": last.meta.get("tensor_meta")}
        for reader in readers:
            reader.replace_input_with(last, behind)
        shuffle.replace_all_uses_with(shuffle.args[0])
        graph.erase_node(shuffle)
        changed += 1
    return changed


def smaller_behind(shuffle: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node]:
    """The layers that a shuffle can move behind, as far as the last of them that makes the map smaller."""
    passed: list[fx.Node] = []
    end, size, node = 0, values_in(shuffle), shuffle
    while len(node.users) == 1:
        node = next(iter(node.users))
        if node.op != "call_module" or kind_of(node, modules) != "carrier":
            break
        passed.append(node)
        if values_in(node) < size:
            end, size = len(passed), values_in(node)
    return passed[:end]


def values_in(node: fx.Node) -> int:
    """How many numbers a tensor holds whose shape was propagated; 0 for what has none."""
    return prod(getattr(node.meta.get("tensor_meta"), "shape", (0,)))
