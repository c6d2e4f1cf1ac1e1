"""A shuffle in the weights of the convolution beside it: the same function, and only where nobody else sees it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

from .networks import lively, rewritten, share_norms


@pytest.mark.parametrize("between", [(), (nn.ReLU(),), (nn.ReLU6(), nn.ReLU())])
@pytest.mark.parametrize("bias", [True, False])
def test_it_goes_before_a_group_convolution(between, bias):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 12, 1, bias=bias), *between, ChannelShuffle(3), nn.Conv2d(12, 8, 3, padding=1, groups=4)
    )
    assert rewritten(lively(network), ["absorb_shuffle"], (2, 3, 5, 4))[1] == {"absorb_shuffle": 1}


@pytest.mark.parametrize(
    "before",
    [
        nn.Sequential(nn.Conv2d(12, 12, 1, groups=3)),
        nn.Sequential(nn.Conv2d(12, 12, 1), nn.BatchNorm2d(12)),
        nn.Sequential(nn.Conv2d(12, 12, 1), nn.Softmax(1)),
        nn.Sequential(nn.ReLU()),
    ],
)
def test_behind_anything_else_it_stays(before):
    torch.manual_seed(0)
    network = nn.Sequential(before, ChannelShuffle(3), nn.Conv2d(12, 4, 1, groups=4))
    assert rewritten(lively(network), ["absorb_shuffle"], (1, 12, 4, 4))[1] == {"absorb_shuffle": 0}


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(2, 4),
    per_group=st.integers(1, 4),
    kernel=st.integers(1, 3),
    between=st.sampled_from([(), (nn.ReLU(),), (nn.ReLU6(), nn.ReLU())]),
    bias=st.booleans(),
)
def test_a_dense_convolution_behind_takes_it(groups, per_group, kernel, between, bias):
    torch.manual_seed(groups)
    channels = groups * per_group
    network = nn.Sequential(
        nn.Softmax(1), ChannelShuffle(groups), *between, nn.Conv2d(channels, 5, kernel, padding=kernel // 2, bias=bias)
    )
    assert rewritten(lively(network), ["absorb_shuffle"], (2, channels, 5, 4))[1] == {"absorb_shuffle": 1}


@pytest.mark.parametrize(
    "behind",
    [
        nn.Sequential(nn.Conv2d(12, 12, 1, groups=3)),
        nn.Sequential(nn.Softmax(1), nn.Conv2d(12, 12, 1)),
        nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(12, 12, 1)),
        nn.Sequential(nn.ReLU()),
    ],
)
def test_before_anything_else_it_stays(behind):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Softmax(1), ChannelShuffle(3), behind)
    assert rewritten(lively(network), ["absorb_shuffle"], (1, 12, 4, 4))[1] == {"absorb_shuffle": 0}


def test_two_readers_keep_it():
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shuffle, self.left, self.right = ChannelShuffle(3), nn.Conv2d(12, 4, 1), nn.Conv2d(12, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            shuffled = self.shuffle(x.softmax(1))
            left: Tensor = self.left(shuffled)
            return left + self.right(shuffled)

    torch.manual_seed(0)
    assert rewritten(lively(Fork()), ["absorb_shuffle"], (1, 12, 4, 4))[1] == {"absorb_shuffle": 0}


class Shared(nn.Module):
    """The convolution's output, or its ReLU's, is read beside the shuffle."""

    def __init__(self, of_relu: bool) -> None:
        super().__init__()
        self.conv, self.relu, self.shuffle, self.of_relu = nn.Conv2d(3, 12, 1), nn.ReLU(), ChannelShuffle(3), of_relu

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        active: Tensor = self.relu(made)
        shuffled: Tensor = self.shuffle(active)
        return shuffled + (active if self.of_relu else made)


@pytest.mark.parametrize("of_relu", [True, False])
def test_where_somebody_else_reads_it_stays(of_relu):
    torch.manual_seed(0)
    assert rewritten(lively(Shared(of_relu)), ["absorb_shuffle"], (1, 3, 4, 4))[1] == {"absorb_shuffle": 0}


def test_a_convolution_that_is_called_twice_keeps_its_rows_for_the_other_call():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, 1)
    network = nn.Sequential(conv, ChannelShuffle(2), conv)
    assert rewritten(lively(network), ["absorb_shuffle"], (1, 4, 4, 4))[1] == {"absorb_shuffle": 1}


class Twice(nn.Module):
    """One convolution between different shuffles, called twice."""

    def __init__(self, layers: str) -> None:
        super().__init__()
        self.conv, self.softmax, self.layers = nn.Conv2d(12, 12, 1), nn.Softmax(1), layers
        self.threes, self.twos = ChannelShuffle(3), ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        called = {"c": self.conv, "s": self.softmax, "3": self.threes, "2": self.twos}
        for layer in self.layers:
            x = called[layer](x)
        return x


@pytest.mark.parametrize("layers", ["c3sc2", "s3cs2c", "c3s2c", "c3c2c"])
def test_each_call_of_a_convolution_takes_its_own_shuffle(layers):
    torch.manual_seed(0)
    assert rewritten(lively(Twice(layers)), ["absorb_shuffle"], (2, 12, 3, 4))[1] == {"absorb_shuffle": 2}


def test_condensenet_keeps_narrow_groups_and_no_shuffle():
    card = find_card("condensenet_fashion_small")
    network = share_norms(lively(create(card)))
    names = ["hoist_batch_norm", "fold_batch_norm", "dense_index", "align_groups", "hoist_relu", "absorb_shuffle"]
    _, done = rewritten(network, names, (1, card.input_shape[0], 16, 16))
    assert done["absorb_shuffle"] == done["hoist_batch_norm"] > 0
