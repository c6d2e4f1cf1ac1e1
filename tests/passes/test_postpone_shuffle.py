"""A shuffle on the smaller side of a stride: the same function, moved where the map shrinks and nowhere else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card, profiles
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

from .networks import lively, rewritten


def depthwise(channels: int, stride: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=bias)


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(2, 4),
    per_group=st.integers(2, 4),
    between=st.lists(st.sampled_from(["relu", "norm", "depthwise"]), max_size=3),
    bias=st.booleans(),
    behind=st.sampled_from(["group", "output", "norm"]),
)
def test_same_function_and_the_shuffle_behind_the_stride(groups, per_group, between, bias, behind):
    torch.manual_seed(groups)
    channels = groups * per_group
    kinds = {"relu": nn.ReLU(), "norm": nn.BatchNorm2d(channels), "depthwise": depthwise(channels, 1, bias)}
    ends = {"group": nn.Conv2d(channels, groups, 1, groups=groups), "output": None, "norm": nn.BatchNorm2d(channels)}
    layers = [
        nn.Conv2d(3, channels, 1),
        ChannelShuffle(groups),
        *(kinds[kind] for kind in between),
        depthwise(channels, 2, bias),
        ends[behind],
    ]
    network = nn.Sequential(*(layer for layer in layers if layer is not None))
    made, done = rewritten(lively(network), ["postpone_shuffle"], (2, 3, 6, 5))
    assert done == {"postpone_shuffle": 1}
    called = [dict(made.named_modules())[node.target] for node in made.graph.nodes if node.op == "call_module"]
    assert isinstance(called[len(between) + 2], ChannelShuffle)  # right behind the stride


def test_a_layer_that_is_called_twice_keeps_its_filters_for_the_other_call():
    torch.manual_seed(0)
    conv = depthwise(6, 2)
    network = nn.Sequential(conv, ChannelShuffle(2), conv)
    assert rewritten(lively(network), ["postpone_shuffle"], (1, 6, 8, 8))[1] == {"postpone_shuffle": 1}


class Shared(nn.Module):
    """The shuffled channels are read beside the depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.shuffle, self.conv, self.pool = ChannelShuffle(2), depthwise(6, 2), nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        shuffled = self.shuffle(x)
        joined: Tensor = self.conv(shuffled) + self.pool(shuffled)
        return joined


@pytest.mark.parametrize(
    "network",
    [
        Shared(),
        nn.Sequential(ChannelShuffle(2), depthwise(6, 1)),
        nn.Sequential(ChannelShuffle(2), nn.Conv2d(6, 6, 3, 2, 1, groups=2)),
        nn.Sequential(ChannelShuffle(2), nn.Conv2d(6, 12, 3, 2, 1, groups=6)),  # two filters a channel
        nn.Sequential(ChannelShuffle(2), nn.Softmax(1), depthwise(6, 2)),
    ],
)
def test_anything_else_is_left_alone(network):
    torch.manual_seed(0)
    assert rewritten(lively(network), ["postpone_shuffle"], (1, 6, 8, 8))[1] == {"postpone_shuffle": 0}


@pytest.mark.parametrize("profile", ["onnx-fp32", "tflite-int8", "openvino-fp32"])
def test_shufflenet_v1_shuffles_no_map_before_a_stride(profile):
    network = lively(create(find_card("shufflenet_v1_g3_1.0")))
    counts = rewritten(network, profiles()[profile].rewrites, (1, 3, 32, 32))[1]
    assert (counts["absorb_shuffle"], counts["postpone_shuffle"]) == (1, 2)
