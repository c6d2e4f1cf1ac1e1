"""Write a channel shuffle on NHWC data, for TFLite.

Shuffled as NCHW, every shuffle costs TFLite three transposes: to NCHW, the shuffle's own, and back. On NHWC data the
channels are the last dimension, and one 4-D transpose with a reshape on each side is left; the converter cancels the
permutes around it against those of the neighbouring convolutions.
"""

from __future__ import annotations

from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, channels_of


class ChannelsLastShuffle(nn.Module):
    """``(N, C, H, W)``: view the channels as ``(groups, C / groups)``, transpose."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Same shape, channels in the shuffle's order."""
        batch, channels, height, width = x.shape
        last = x.permute(0, 2, 3, 1).reshape(batch, height * width, self.groups, channels // self.groups)
        return last.transpose(2, 3).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


@rewrite
def shuffle_channels_last(graph_module: fx.GraphModule) -> int:
    """Rewrite every regular shuffle in place; returns how many. Other permutations are left alone."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        layer = module_of(node, modules)
        if not isinstance(layer, Permutation):
            continue
        groups = shuffle_groups(layer.order(channels_of(node)))
        if groups is not None:
            name = f"{node.target}_channels_last".replace(".", "_")
            graph_module.add_submodule(name, ChannelsLastShuffle(groups))
            node.target = name
            changed += 1
    return changed


def shuffle_groups(order: tuple[int, ...]) -> int | None:
    """The ``groups`` of a shuffle with that order, or None when it is no shuffle."""
    step = order[1] if len(order) > 1 else 1
    if step < 1 or len(order) % step:
        return None
    groups = len(order) // step
    return groups if order == tuple(g * step + p for p in range(step) for g in range(groups)) else None
