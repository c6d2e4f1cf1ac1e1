"""Gathers written into dense weights: the same function where copies of a channel share their BN, nothing otherwise."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.catalog import find_card
from edgekit.passes.dense_index import NARROW
from edgekit.zoo.learned_group_conv import CondensedConv
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten, share_norms


@settings(max_examples=30, deadline=None)
@given(groups=st.integers(1, 4), factor=st.integers(1, 4), outs=st.integers(1, 3), seed=st.integers(0, 99))
def test_same_function_without_gather(groups, factor, outs, seed):
    torch.manual_seed(seed)
    network = share_norms(lively(nn.Sequential(CondensedConv(factor * 3, groups * outs, groups, factor))))
    result, done = rewritten(network, ["dense_index"], (1, factor * 3, 4, 4))
    assert done == {"dense_index": 1}
    assert not any(node.target is torch.index_select for node in result.graph.nodes)


def test_copies_with_bn_of_their_own_are_left_alone():
    torch.manual_seed(0)
    network = lively(CondensedConv(8, 8, 4, 2))
    _, done = rewritten(network, ["dense_index"], (1, 8, 4, 4))
    assert done == {"dense_index": 0}


class Gathered(nn.Module):
    """A gather with duplicates within a group, read by a layer."""

    def __init__(self, reader: nn.Module) -> None:
        super().__init__()
        self.register_buffer("index", torch.tensor([2, 0, 2, 1]))
        self.reader = reader

    def forward(self, x):
        return self.reader(torch.index_select(x, 1, self.index))


def test_duplicates_within_a_group_add_up():
    torch.manual_seed(0)
    _, done = rewritten(lively(Gathered(nn.Conv2d(4, 4, 1, groups=2))), ["dense_index"], (1, 3, 2, 2))
    assert done == {"dense_index": 1}


def test_a_gather_whose_axis_is_named_is_left_alone():
    class Named(Gathered):
        def forward(self, x):
            return self.reader(torch.index_select(x, dim=1, index=self.index))

    torch.manual_seed(0)
    network = lively(Named(nn.Conv2d(4, 4, 1)))
    for name in ("dense_index", "gather_rows"):
        assert rewritten(network, [name], (1, 3, 2, 2))[1] == {name: 0}


def test_a_padded_or_larger_convolution_is_left_alone():
    for conv in (nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 1, padding=1), nn.Sigmoid()):
        _, done = rewritten(lively(Gathered(conv)), ["dense_index"], (1, 3, 4, 4))
        assert done == {"dense_index": 0}


def test_only_narrow_groups_of_a_condensenet():
    torch.manual_seed(0)
    network = share_norms(lively(create(find_card("condensenet_cifar10_50"))))
    names = ["hoist_relu", "dense_narrow_index", "absorb_shuffle"]
    result, done = rewritten(network, names, (1, 3, 16, 16))
    narrow = [
        module.conv.out_channels // module.conv.groups <= NARROW
        for module in network.modules()
        if isinstance(module, CondensedConv)
    ]
    assert done["dense_narrow_index"] == done["absorb_shuffle"] == sum(narrow) == 8
    assert sum(node.target is torch.index_select for node in result.graph.nodes) == len(narrow) - 8 > 0


def test_condensenet_keeps_neither_gather_nor_shuffle_nor_bn():
    torch.manual_seed(0)
    network = share_norms(lively(create(find_card("condensenet_cifar10_light94"))))
    names = [
        "hoist_batch_norm",
        "fold_batch_norm",
        "dense_index",
        "densify_spatial",
        "fold_channel_shuffle",
        "absorb_scale",
    ]
    result, done = rewritten(network, names, (1, 3, 16, 16))
    assert done["dense_index"] == len([m for m in network.modules() if isinstance(m, CondensedConv)])
    assert done["fold_channel_shuffle"] == done["dense_index"]
    assert not layers(result, nn.BatchNorm2d)
