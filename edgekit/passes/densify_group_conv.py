"""Write group convolutions as dense ones, zeros outside their groups.

A dense convolution costs ``groups`` times the MACs, but runtimes execute it several times as efficiently, and
``fold_channel_shuffle`` can remove a shuffle beside it. Which one wins depends on the layer, the runtime and the
precision, so there is a pass for each choice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import fx, nn

from ._pass import conv_like, module_of, modules_of, rewrite
from .channel_flow import Permutation

NARROW = 8  # channels in the narrowest column of int8 matrix kernels
MAX_GROUPS = 2  # what fold_channel_shuffle densifies by itself: pays at two groups (IGCV3), loses in float at three


@rewrite
def densify_shuffled(graph_module: fx.GraphModule) -> int:
    """Densify every 1x1 group convolution whose result is shuffled; returns how many."""
    shuffled = shuffled_convs(graph_module)
    return len(densify(graph_module, lambda node, conv: node in shuffled and conv.kernel_size == (1, 1)))


@rewrite
def densify_pointwise(graph_module: fx.GraphModule) -> int:
    """Densify every 1x1 group convolution; returns how many."""
    return len(densify(graph_module, lambda _, conv: conv.kernel_size == (1, 1)))


@rewrite
def densify_spatial(graph_module: fx.GraphModule) -> int:
    """Densify every group convolution with a larger kernel than 1x1; returns how many."""
    return len(densify(graph_module, lambda _, conv: conv.kernel_size != (1, 1)))


@rewrite
def densify_first_stage(graph_module: fx.GraphModule) -> int:
    """Densify the group convolutions larger than 1x1 that work on the largest maps; returns how many.

    They have the fewest channels, so their groups are too narrow for vector units.
    """
    return densify_largest(graph_module, lambda conv: conv.kernel_size != (1, 1))


@rewrite
def densify_narrow_spatial(graph_module: fx.GraphModule) -> int:
    """Densify the group convolutions larger than 1x1 whose groups give fewer than :data:`NARROW` channels; how many."""
    return len(
        densify(
            graph_module,
            lambda _, conv: conv.kernel_size != (1, 1) and conv.out_channels // conv.groups < NARROW,
        )
    )


@rewrite
def densify_first_pointwise(graph_module: fx.GraphModule) -> int:
    """Densify the 1x1 group convolutions that write the largest maps; returns how many."""
    return densify_largest(graph_module, lambda conv: conv.kernel_size == (1, 1))


def densify_largest(graph_module: fx.GraphModule, wanted: Callable[[nn.Conv2d], bool]) -> int:
    """Densify those of the ``wanted`` group convolutions that write the largest maps; returns how many."""
    sizes = {node: pixels(node) for node, conv in group_convs(graph_module) if wanted(conv)}
    largest = max(sizes.values(), default=0)
    return len(densify(graph_module, lambda node, _: largest > 0 and sizes.get(node) == largest))


def densify_before_fold(graph_module: fx.GraphModule) -> dict[fx.Node, str]:
    """Densify what :data:`MAX_GROUPS` allows before a shuffle; the old targets, which :func:`undo` takes back."""
    shuffled = shuffled_convs(graph_module)
    return densify(
        graph_module,
        lambda node, conv: node in shuffled and conv.kernel_size == (1, 1) and conv.groups <= MAX_GROUPS,
    )


def densify(graph_module: fx.GraphModule, wanted: Callable[[fx.Node, nn.Conv2d], bool]) -> dict[fx.Node, str]:
    """Densify in place the group convolutions that are ``wanted``; the changed nodes with their old targets."""
    return merge(graph_module, lambda node, conv: conv.groups if wanted(node, conv) else 1)


def merge(graph_module: fx.GraphModule, count: Callable[[fx.Node, nn.Conv2d], int]) -> dict[fx.Node, str]:
    """Merge in place as many neighbouring groups as ``count`` says; the changed nodes with their old targets."""
    changed = {}
    for node, conv in group_convs(graph_module):
        by = count(node, conv)
        if by > 1:
            name = f"{node.target}_{'dense' if by == conv.groups else 'merged'}".replace(".", "_")
            graph_module.add_submodule(name, merged(conv, by))
            changed[node] = str(node.target)
            node.target = name
    return changed


def group_convs(graph_module: fx.GraphModule) -> list[tuple[fx.Node, nn.Conv2d]]:
    """Calls of convolutions with groups; a depthwise one has channels, not groups."""
    modules = modules_of(graph_module)
    found = []
    for node in graph_module.graph.nodes:
        conv = group_conv(node, modules)
        if conv is not None:
            found.append((node, conv))
    return found


def group_conv(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Conv2d | None:
    """The convolution with groups that ``node`` calls, if it does."""
    layer = module_of(node, modules)
    return layer if isinstance(layer, nn.Conv2d) and 1 < layer.groups < layer.in_channels else None


def shuffled_convs(graph_module: fx.GraphModule) -> set[fx.Node]:
    """Nodes whose result only a permutation reads, or a depthwise convolution that only a permutation reads."""
    modules = modules_of(graph_module)
    found = set()
    for node in graph_module.graph.nodes:
        if node.op == "call_module" and isinstance(modules[str(node.target)], Permutation):
            source = node.args[0]
            while isinstance(source, fx.Node) and source.op == "call_module" and len(source.users) == 1:
                found.add(source)
                source = source.args[0] if passes_on(modules[str(source.target)]) else None
    return found


def passes_on(layer: nn.Module) -> bool:
    """True for what may stand between the convolution and the shuffle."""
    depthwise = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels
    return depthwise or isinstance(layer, (nn.ReLU, nn.ReLU6, nn.BatchNorm2d))


def pixels(node: fx.Node) -> int:
    """Height times width of a tensor whose shape was propagated; 0 for what has none."""
    shape = list(getattr(node.meta.get("tensor_meta"), "shape", ()))
    return int(shape[2] * shape[3]) if len(shape) == 4 else 0


def undo(changed: dict[fx.Node, str]) -> None:
    """Point the nodes back at their group convolutions."""
    for node, target in changed.items():
        node.target = target


def dense(conv: nn.Conv2d) -> nn.Conv2d:
    """The same function with ``groups=1``."""
    return merged(conv, conv.groups)


def merged(conv: nn.Conv2d, count: int) -> nn.Conv2d:
    """The same function with ``count`` neighbouring groups, a divisor of all, in the place of one."""
    whole = conv_like(conv, groups=conv.groups // count)
    rows, columns = conv.out_channels // conv.groups, conv.in_channels // conv.groups
    with torch.no_grad():
        whole.weight.zero_()
        for group in range(conv.groups):
            block = slice(group * rows, (group + 1) * rows)
            first = group % count * columns
            whole.weight[block, first : first + columns] = conv.weight[block]
        if whole.bias is not None and conv.bias is not None:
            whole.bias.copy_(conv.bias)
    return whole.eval()
