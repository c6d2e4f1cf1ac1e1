"""Write a 1x1 group convolution whose result is shuffled as a dense one, zeros outside its groups.

It costs ``groups`` times the MACs of that layer and lets ``fold_channel_shuffle``, which calls it, remove the shuffle.
That pays at two
groups (IGCV3: 1.07 to 1.37 times as fast, fp32) and loses at three (ShuffleNet V1: 0.67 to 0.75), so more are left.
"""

from __future__ import annotations

import torch
from torch import fx, nn

from .channel_flow import Permutation

MAX_GROUPS = 2


def densify_group_conv(graph_module: fx.GraphModule) -> dict[fx.Node, str]:
    """Densify in place; returns the changed nodes with their old targets, which :func:`undo` takes back."""
    modules = dict(graph_module.named_modules())
    changed = {}
    for node in graph_module.graph.nodes:
        if node.op != "call_module" or not isinstance(modules[node.target], Permutation):
            continue
        source = node.args[0]
        conv = modules.get(str(source.target)) if source.op == "call_module" else None
        if not isinstance(conv, nn.Conv2d) or len(source.users) != 1 or conv.kernel_size != (1, 1):
            continue
        if 1 < conv.groups <= MAX_GROUPS:
            name = f"{source.target}_dense".replace(".", "_")
            graph_module.add_submodule(name, dense(conv))
            changed[source] = str(source.target)
            source.target = name
    return changed


def undo(changed: dict[fx.Node, str]) -> None:
    """Point the nodes back at their group convolutions."""
    for node, target in changed.items():
        node.target = target


def dense(conv: nn.Conv2d) -> nn.Conv2d:
    """The same function with ``groups=1``."""
    whole = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]
        conv.stride,  # type: ignore[arg-type]
        conv.padding,  # type: ignore[arg-type]
        bias=conv.bias is not None,
        dtype=conv.weight.dtype,
    )
    rows, columns = conv.out_channels // conv.groups, conv.in_channels // conv.groups
    with torch.no_grad():
        whole.weight.zero_()
        for group in range(conv.groups):
            block = slice(group * rows, (group + 1) * rows)
            whole.weight[block, group * columns : (group + 1) * columns] = conv.weight[block]
        if whole.bias is not None and conv.bias is not None:
            whole.bias.copy_(conv.bias)
    return whole.eval()
