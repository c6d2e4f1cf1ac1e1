"""Shuffles as gathers of channels: the same function for every permutation, and nothing else touched."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import profiles
from edgekit.passes.shuffle_as_gather import GatheredChannels
from edgekit.zoo.permutation import ChannelShuffle

from .networks import layers, rewritten


class Ordered(nn.Module):
    """Any permutation, as IGCV2 has them."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.wanted = order

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, i : i + 1] for i in self.wanted], 1)

    def order(self, channels: int) -> tuple[int, ...]:
        return self.wanted


@settings(max_examples=30, deadline=None)
@given(order=st.integers(1, 9).flatmap(lambda n: st.permutations(range(n))))
def test_any_permutation(order):
    network = nn.Sequential(nn.ReLU(), Ordered(tuple(order)), nn.ReLU6()).eval()
    made, done = rewritten(network, ["shuffle_as_gather"], (2, len(order), 3, 2))
    assert done == {"shuffle_as_gather": 1}
    assert len(layers(made, GatheredChannels)) == 1


def test_one_shuffle_called_on_two_widths():
    shuffle = ChannelShuffle(2)
    network = nn.Sequential(shuffle, nn.Conv2d(4, 6, 1), shuffle).double().eval()
    made, done = rewritten(network, ["shuffle_as_gather"], (1, 4, 3, 3))
    assert done == {"shuffle_as_gather": 2}
    assert sorted(len(layer.index) for layer in layers(made, GatheredChannels)) == [4, 6]


@pytest.mark.parametrize("name", sorted(profiles()))
def test_it_comes_last_of_what_knows_shuffles_and_in_onnx_alone(name):
    rewrites = profiles()[name].rewrites
    assert ("shuffle_as_gather" in rewrites) is name.startswith("onnx")
    if "shuffle_as_gather" in rewrites:
        assert rewrites.index("shuffle_as_gather") > rewrites.index("postpone_shuffle")
