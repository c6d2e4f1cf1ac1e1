"""Compute 1x1 group convolutions as matrix products on rows of pixels, for OpenVINO in float.

    shuffle(relu(conv(maps(r)))) = maps(shuffle(relu(W r + b))),    maps(r) = r as (N, C, H, W)

Behind ``flatten_maps`` what a gather gives is stored as rows. OpenVINO's convolutions want NHWC: it lays out all of
that anew for the convolution, and a shuffle behind it moves single numbers, which takes as long as the convolution. A
product reads the rows as they are, a shuffle copies whole rows, and only what the product gives is laid out anew,
which is less. Precondition: the convolution alone reads the maps, and has a stride of one and no padding. Short rows
leave the product's kernel half empty, so small maps stay as they are.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import Permutation, call_instead, note_channels
from .flatten_maps import Maps, note_size, reshaped
from .shuffle_channels_last import shuffle_groups

LEAST_PIXELS = 28 * 28
"""Of 14 x 14 a product is as fast as a convolution with its shuffle, of 7 x 7 slower by a tenth."""


class RowConv(nn.Module):
    """``(N, C, H * W)`` to the result of a 1x1 convolution, in the same layout."""

    kind = "conv"

    weight: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.groups = conv.groups
        bias = torch.zeros_like(conv.weight[:, 0, 0, 0]) if conv.bias is None else conv.bias
        self.register_buffer("weight", conv.weight.detach().reshape(1, conv.groups, -1, conv.weight.shape[1]))
        self.register_buffer("bias", bias.detach().reshape(1, conv.groups, -1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """A product for each group."""
        batch, channels, pixels = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, pixels)
        return (torch.matmul(self.weight, grouped) + self.bias).reshape(batch, -1, pixels)


class RowShuffle(nn.Module):
    """A channel shuffle of ``(N, C, H * W)``."""

    kind = "channel-shuffle"

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Same shape: view the rows as ``(groups, C / groups)``, transpose."""
        batch, channels, pixels = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, pixels)
        return grouped.transpose(1, 2).reshape(batch, channels, pixels)


@rewrite
def pointwise_on_rows(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, behind ``flatten_maps``; returns how many convolutions are products now."""
    modules = modules_of(graph_module)

    def layer_of(node: fx.Node) -> nn.Module | None:
        layer: nn.Module | None = module_of(node, modules)
        return layer

    changed = 0
    for maps in list(graph_module.graph.nodes):
        layer = layer_of(maps)
        if not isinstance(layer, Maps) or prod(layer.size) < LEAST_PIXELS or len(maps.users) != 1:
            continue
        (node,) = maps.users
        conv = layer_of(node)
        if not isinstance(conv, nn.Conv2d) or not is_grouped_pointwise(conv):
            continue
        call_instead(graph_module, node, RowConv(conv), "on_rows")
        node.replace_input_with(maps, maps.all_input_nodes[0])
        pixels = prod(layer.size)
        note_channels(node, conv.out_channels)
        note_size(node, pixels)
        while len(node.users) == 1:
            (behind,) = node.users
            follows = layer_of(behind)
            shuffle = row_shuffle(follows, conv.out_channels)
            if shuffle is not None:
                call_instead(graph_module, behind, shuffle, "on_rows")
            elif not isinstance(follows, (nn.ReLU, nn.ReLU6)):
                break
            node = behind
            note_size(node, pixels)
        readers = list(node.users)
        back = reshaped(graph_module, node, "maps", Maps(*layer.size))
        for reader in readers:
            reader.replace_input_with(node, back)
        changed += 1
    return changed


def is_grouped_pointwise(conv: nn.Conv2d) -> bool:
    """True for a 1x1 convolution with groups of several channels that keeps the size of the map."""
    return (
        conv.kernel_size == (1, 1)
        and conv.stride == (1, 1)
        and conv.padding in ((0, 0), "valid", "same")
        and 1 < conv.groups < conv.in_channels
    )


def row_shuffle(layer: object, channels: int) -> RowShuffle | None:
    """The same shuffle on rows; None for what is no shuffle."""
    groups = shuffle_groups(layer.order(channels)) if isinstance(layer, Permutation) else None
    return None if groups is None else RowShuffle(groups)
