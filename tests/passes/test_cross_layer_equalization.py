"""Equalized channels: the same function, flatter ranges, and nothing where a scale could not pass."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.passes.cross_layer_equalization import cross_layer_equalization
from edgekit.passes.pipeline import PASSES, apply_rewrites

from .networks import layers, lively, rewritten

NAME = "cross_layer_equalization"
BETWEEN = [nn.Identity(), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)]


def uneven(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """The layer with rows up to a thousand times as large as others, and a bias."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        factors = 10 ** (3 * torch.rand(len(layer.weight), generator=generator) - 1.5)
        layer.weight.mul_(factors.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        if layer.bias is not None:
            layer.bias.uniform_(-0.5, 0.5, generator=generator)
    return layer


@settings(max_examples=40, deadline=None)
@given(
    channels=st.sampled_from([2, 4, 6]),
    groups=st.sampled_from([1, 2]),
    depthwise=st.booleans(),
    bias=st.booleans(),
    first=st.sampled_from(BETWEEN),
    second=st.sampled_from(BETWEEN[:3]),
)
def test_same_function(channels, groups, depthwise, bias, first, second):
    torch.manual_seed(channels)
    middle = channels if depthwise else groups
    network = nn.Sequential(
        uneven(nn.Conv2d(3, channels, 3, padding=1, bias=bias)),
        first,
        uneven(nn.Conv2d(channels, channels, 3, padding=1, groups=middle)),
        second,
        nn.Conv2d(channels, 4, 1, groups=groups),
    )
    result, done = rewritten(lively(network), [NAME], (2, 3, 8, 8))
    assert done == {NAME: 2}
    for layer in layers(result, nn.Conv2d)[:1]:
        before, after = (weight.flatten(1).abs().amax(1) for weight in (network[0].weight, layer.weight))
        assert after.max() / after.min() < before.max() / before.min()


class Fire(nn.Module):
    """SqueezeNet's module, a shared input and a concatenation, and a head behind flattening."""

    def __init__(self):
        super().__init__()
        self.squeeze, self.relu = uneven(nn.Conv2d(3, 4, 1)), nn.ReLU()
        self.small, self.large = uneven(nn.Conv2d(4, 5, 1)), uneven(nn.Conv2d(4, 6, 3, padding=1))
        self.after, self.pool, self.head = uneven(nn.Conv2d(11, 7, 1)), nn.AdaptiveAvgPool2d(1), nn.Linear(7, 3)

    def forward(self, x):
        x = self.relu(self.squeeze(x))
        x = torch.cat([torch.relu(self.small(x)), self.relu(self.large(x))], 1)
        return self.head(torch.flatten(self.pool(nn.functional.relu(self.after(x))), 1))


def test_through_several_readers_a_concatenation_and_flattening():
    result, done = rewritten(lively(Fire()), [NAME], (2, 3, 5, 5))
    assert done == {NAME: 4}
    modules = dict(result.named_modules())
    after, head = modules["after_equalized"].weight, modules["head_equalized"].weight
    # Where they settle, what a layer makes and what is read of it have the same range, channel by channel.
    torch.testing.assert_close(after.flatten(1).abs().amax(1), head.abs().amax(0), rtol=0.05, atol=0)


class Residual(nn.Module):
    """The sum reads the layer's result too."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = self.a(x)
        return self.b(x) + x


class AlongRows(nn.Module):
    """A concatenation along rows, not channels."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = self.a(x)
        return self.b(torch.cat([x, x], 2))


class Unpooled(nn.Module):
    """Flattening leaves many elements to a channel."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 1), nn.Linear(36, 2)

    def forward(self, x):
        return self.b(torch.flatten(self.a(x), 1))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU6(), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.Hardswish(), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.Conv2d(4, 4, 1)),
        Residual(),
        AlongRows(),
        Unpooled(),
    ],
    ids=lambda network: type(network).__name__,
)
def test_left_alone(network):
    result, done = rewritten(lively(network), [NAME], (1, 4, 3, 3))
    assert done == {NAME: 0}
    kept = [layer.weight for layer in layers(result, nn.Conv2d)]
    for layer, weight in zip(layers(network, nn.Conv2d), kept, strict=True):
        assert torch.equal(layer.weight, weight)


@pytest.mark.parametrize("dead", ["made", "read"])
def test_a_channel_that_nothing_makes_or_reads_keeps_its_scale(dead):
    network = lively(nn.Sequential(uneven(nn.Conv2d(3, 4, 1)), nn.ReLU(), nn.Conv2d(4, 2, 1)))
    with torch.no_grad():
        if dead == "made":
            network[0].weight[1] = 0
        else:
            network[2].weight[:, 1] = 0
    result, _ = rewritten(network, [NAME], (1, 3, 3, 3))
    first = layers(result, nn.Conv2d)[0]
    assert torch.equal(first.weight[1], network[0].weight[1])
    assert torch.equal(first.bias[1], network[0].bias[1])


def test_a_layer_that_two_places_share_is_scaled_in_each_by_its_own():
    shared = uneven(nn.Conv2d(4, 4, 1))
    network = nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), nn.Conv2d(4, 2, 1))
    assert rewritten(lively(network), [NAME], (1, 4, 3, 3))[1] == {NAME: 2}


def test_it_is_among_the_rewrites():
    assert PASSES[NAME] is cross_layer_equalization
    assert apply_rewrites(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)), [NAME], torch.zeros(1, 3, 2, 2))[1]
