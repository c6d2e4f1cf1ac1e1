"""Pooling, ReLU and concatenation in the forms that delegates take: the same function, or nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten

kernels = st.tuples(st.integers(1, 4), st.integers(1, 3))


@settings(max_examples=40, deadline=None)
@given(kernel=kernels, padded=st.booleans(), size=st.integers(5, 9), channels=st.integers(1, 3))
def test_average_pooling_as_a_depthwise_convolution(kernel, padded, size, channels):
    pool = nn.AvgPool2d(kernel[0], kernel[1], kernel[0] // 2 if padded else 0)
    result, done = rewritten(nn.Sequential(pool).eval(), ["pool_as_depthwise"], (2, channels, size, size + 1))
    assert done == {"pool_as_depthwise": 1}
    assert len(layers(result, nn.Conv2d)) == 1


@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(2, divisor_override=3),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(2),
    ],
)
def test_other_pooling_is_no_convolution(pool):
    assert rewritten(nn.Sequential(pool).eval(), ["pool_as_depthwise"], (1, 2, 6, 6))[1] == {"pool_as_depthwise": 0}


@pytest.mark.parametrize(("size", "count"), [(1, 1), ((1, 1), 1), (2, 0), ((1, 2), 0)])
def test_global_pooling_as_a_mean(size, count):
    network = nn.Sequential(nn.AdaptiveAvgPool2d(size)).eval()
    assert rewritten(network, ["pool_as_mean"], (1, 3, 5, 4))[1] == {"pool_as_mean": count}


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.integers(2, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    ceil=st.booleans(),
    size=st.tuples(st.integers(5, 11), st.integers(5, 11)),
    active=st.booleans(),
)
def test_max_pooling_behind_a_relu_is_padded_with_zeros(kernel, stride, padding, ceil, size, active):
    pool = nn.MaxPool2d(kernel, stride, min(padding, kernel // 2), ceil_mode=ceil)
    network = nn.Sequential(nn.ReLU() if active else nn.Tanh(), pool).eval()
    result, done = rewritten(network, ["zero_pad_pool"], (1, 2, *size))
    left = layers(result, nn.MaxPool2d)[0]
    if active:
        assert (left.padding, left.ceil_mode) == (0, False) or done == {"zero_pad_pool": 0}
        assert done["zero_pad_pool"] == 1 or pool.padding == 0
    else:
        assert done == {"zero_pad_pool": 0}


class Joined(nn.Module):
    """A ReLU behind a concatenation of a convolution and a pooling, which may have negative values."""

    def __init__(self, positive: bool) -> None:
        super().__init__()
        self.first = nn.ReLU() if positive else nn.Tanh()
        self.conv, self.pool, self.relu = nn.Conv2d(3, 4, 1), nn.AvgPool2d(3, 1, 1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        made: Tensor = self.relu(torch.cat([self.pool(x), self.conv(x)], 1))
        return made


@pytest.mark.parametrize("positive", [False, True])
def test_a_relu_moves_in_front_of_a_concatenation(positive):
    torch.manual_seed(0)
    result, done = rewritten(lively(Joined(positive)), ["hoist_relu"], (1, 3, 5, 5))
    assert done == {"hoist_relu": 1}
    calls = [node for node in result.graph.nodes if node.target == "relu"]
    assert len(calls) == (1 if positive else 2)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU6()])
def test_a_relu_moves_in_front_of_a_shuffle(activation):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 1), ChannelShuffle(2), activation)
    result, done = rewritten(lively(network), ["hoist_relu"], (1, 3, 5, 5))
    assert done == {"hoist_relu": 1}
    assert [str(node.target) for node in result.graph.nodes if node.op == "call_module"] == ["0", "2", "1"]


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("shufflenet_v1_g3_0.5", {"hoist_relu": 3, "zero_pad_pool": 1, "pool_as_depthwise": 3, "pool_as_mean": 1}),
        ("squeezenet_1.1", {"hoist_relu": 0, "zero_pad_pool": 2, "pool_as_depthwise": 0, "pool_as_mean": 1}),
    ],
)
def test_real_networks(model, changes):
    assert rewritten(lively(create(find_card(model))), list(changes), (1, 3, 70, 70))[1] == changes
