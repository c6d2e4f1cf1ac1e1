"""Write a channel shuffle as one gather of channels, for ONNX Runtime.

Reshape, transpose, reshape are three operators there, and the transpose moves number by number where its rows are
short; a gather along the channels of NCHW data copies one whole channel after the other. The order of any permutation
can be written so.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, call_instead, channels_of


class GatheredChannels(nn.Module):
    """``(N, C, H, W)``: new channel ``i`` is old channel ``index[i]``."""

    index: Tensor

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("index", torch.tensor(order))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape, channels in another order."""
        return x.index_select(1, self.index)


@rewrite
def shuffle_as_gather(graph_module: fx.GraphModule) -> int:
    """Rewrite every permutation of channels in place; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        layer = module_of(node, modules)
        if isinstance(layer, Permutation):
            call_instead(graph_module, node, GatheredChannels(layer.order(channels_of(node))), "gathered")
            changed += 1
    return changed
