"""Group convolutions as dense ones: the same function, and only where the pass means to."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.catalog import find_card
from edgekit.passes.densify_group_conv import dense
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

from .networks import lively, rewritten

PASSES = ("densify_shuffled", "densify_pointwise", "densify_spatial", "densify_first_stage", "densify_first_pointwise")


@settings(max_examples=60, deadline=None)
@given(
    groups=st.integers(1, 4),
    per_group=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    padding=st.integers(0, 2),
    mode=st.sampled_from(["zeros", "reflect", "circular"]),
    bias=st.booleans(),
)
def test_same_function(groups, per_group, kernel, stride, dilation, padding, mode, bias):
    torch.manual_seed(kernel)
    conv = nn.Conv2d(
        groups * per_group[0], groups * per_group[1], kernel, stride, padding, dilation, groups, bias, mode
    ).double()
    image = torch.randn(2, conv.in_channels, 9, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(dense(conv)(image), conv(image), rtol=1e-12, atol=1e-12)


class Stages(nn.Module):
    """1x1 and 3x3 groups, shuffled and not, at two resolutions, and a depthwise convolution."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, 8, 1, groups=2),
            ChannelShuffle(2),
            nn.Conv2d(8, 8, 3, padding=1, groups=8),
            nn.Conv2d(8, 8, 3, padding=1, groups=4),
            nn.Conv2d(8, 8, 3, 2, 1, groups=2),
            nn.Conv2d(8, 4, 1, groups=4),
        )

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize(("name", "count"), zip(PASSES, (1, 2, 2, 1, 1), strict=True))
def test_what_each_pass_takes(name, count):
    torch.manual_seed(0)
    _, done = rewritten(lively(Stages()), [name], (1, 4, 8, 8))
    assert done[name] == count


def test_only_groups_narrower_than_a_column_of_an_int8_kernel():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(8, 28, 3, padding=1, groups=4),  # seven a group
        nn.Conv2d(28, 32, 3, padding=1, groups=4),  # eight
        nn.Conv2d(32, 8, 1, groups=4),
    )
    result, done = rewritten(lively(network), ["densify_narrow_spatial"], (1, 8, 5, 5))
    assert done == {"densify_narrow_spatial": 1}
    assert [conv.groups for conv in result.modules() if isinstance(conv, nn.Conv2d)].count(1) == 1


def test_a_shuffle_behind_the_depthwise_convolution_counts():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(4, 6, 1, groups=2), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6), ChannelShuffle(3), nn.Conv2d(6, 2, 1)
    )
    _, done = rewritten(lively(network), ["densify_shuffled", "fold_channel_shuffle"], (1, 4, 5, 5))
    assert done == {"densify_shuffled": 1, "fold_channel_shuffle": 1}


@pytest.mark.parametrize("model", ["shufflenet_v1_g3_0.5", "shufflenet_v1_g4_0.25"])
def test_shufflenet_v1_loses_its_shuffles(model):
    network = lively(create(find_card(model)))
    _, done = rewritten(network, ["fold_batch_norm", "densify_shuffled", "fold_channel_shuffle"], (1, 3, 64, 64))
    assert done == {"fold_batch_norm": 49, "densify_shuffled": 15, "fold_channel_shuffle": 16}


def test_the_largest_maps_of_shufflenet_v1_lose_groups_and_shuffles():
    network = lively(create(find_card("shufflenet_v1_g3_0.5")))
    names = ["fold_batch_norm", "densify_first_pointwise", "fold_channel_shuffle", "absorb_shuffle"]
    _, done = rewritten(network, names, (1, 3, 64, 64))
    assert done == {
        "fold_batch_norm": 49,
        "densify_first_pointwise": 8,
        "fold_channel_shuffle": 0,
        "absorb_shuffle": 5,
    }
