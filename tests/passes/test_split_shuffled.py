"""A shuffle between two group convolutions taken apart: the same function, only where the groups share evenly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.passes.pipeline import apply_rewrites
from edgekit.passes.split_shuffled import NARROWEST, even_parts
from edgekit.zoo.permutation import ChannelShuffle, shuffle_order
from edgekit.zoo.registry import create

from .networks import lively, rewritten


def chain(writers: int, readers: int, share: int, *between: nn.Module, bias: bool = True) -> nn.Sequential:
    """Group convolution, ``between``, group convolution; each reading group gets ``share`` of each writing group."""
    hidden = writers * readers * share
    return nn.Sequential(
        nn.Conv2d(2 * writers, hidden, 1, groups=writers, bias=bias),
        *between,
        nn.Conv2d(hidden, 3 * readers, 3, padding=1, groups=readers, bias=bias),
    )


@settings(max_examples=20, deadline=None)
@given(
    writers=st.integers(2, 3),
    readers=st.integers(2, 3),
    share=st.integers(NARROWEST, NARROWEST + 3),
    above=st.booleans(),
    stride=st.integers(1, 2),
    bias=st.booleans(),
)
def test_it_is_the_same_function(writers, readers, share, above, stride, bias):
    torch.manual_seed(share)
    hidden = writers * readers * share
    shuffle = ChannelShuffle(writers)
    depthwise = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=bias)
    layers = [nn.ReLU6(), depthwise, nn.BatchNorm2d(hidden)]
    network = chain(writers, readers, share, *([*layers, shuffle] if above else [shuffle, *layers]), bias=bias)
    even = even_parts(shuffle.order(hidden), writers, readers) is not None
    _, counts = rewritten(lively(network), ["split_shuffled"], (2, 2 * writers, 5, 4))
    assert counts == {"split_shuffled": int(even)}


def test_no_mac_is_added():
    network, _ = rewritten(lively(chain(2, 2, 16, ChannelShuffle(2))), ["split_shuffled"], (1, 4, 4, 4))
    convs = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.groups) for c in convs] == [(4, 32, 2), (32, 3, 1)] * 2


@pytest.mark.parametrize(
    ("order", "writers", "readers"),
    [
        (shuffle_order(120, 3), 3, 3),  # ShuffleNet V1: 13 or 14 from each group
        (tuple(range(64)), 2, 2),  # no shuffle: all from one group
    ],
)
def test_groups_that_share_unevenly_have_no_parts(order, writers, readers):
    assert even_parts(order, writers, readers) is None


class Shared(nn.Module):
    """What the shuffle reads, or gives, is read by somebody else too."""

    def __init__(self, behind: bool) -> None:
        super().__init__()
        self.a, self.shuffle, self.b = chain(2, 2, NARROWEST, ChannelShuffle(2))
        self.behind = behind

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.a(x)
        shuffled: Tensor = self.shuffle(made)
        read: Tensor = self.b(shuffled)
        return read + (shuffled if self.behind else made).mean(1, keepdim=True)


@pytest.mark.parametrize(
    "network",
    [
        chain(2, 2, NARROWEST - 1, ChannelShuffle(2)),
        chain(2, 2, NARROWEST, ChannelShuffle(2), nn.Softmax(1)),
        nn.Sequential(nn.Conv2d(4, 64, 1), ChannelShuffle(2), nn.Conv2d(64, 6, 1, groups=2)),
        nn.Sequential(nn.Conv2d(4, 64, 1, groups=2), ChannelShuffle(2), nn.Conv2d(64, 6, 1)),
        nn.Sequential(nn.Conv2d(4, 64, 1, groups=2), ChannelShuffle(2), nn.ReLU()),
        nn.Sequential(ChannelShuffle(2), nn.Conv2d(4, 64, 1, groups=2)),
        Shared(behind=True),
        Shared(behind=False),
    ],
)
def test_anything_else_is_left_alone(network):
    assert rewritten(lively(network), ["split_shuffled"], (1, 4, 4, 4))[1] == {"split_shuffled": 0}


def test_what_is_too_narrow_in_igcv3_is_folded_afterwards():
    network = lively(create(find_card("igcv3_d_0.5_imagenet")))
    sample = torch.randn(1, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    changed, records = apply_rewrites(
        network, ["hoist_batch_norm", "fold_batch_norm", "split_shuffled", "fold_channel_shuffle"], sample
    )
    with torch.no_grad():
        assert torch.allclose(changed(sample), network(sample), rtol=1e-9, atol=1e-11)
    counts = {record.name: record.count for record in records}
    shuffles = sum(isinstance(module, ChannelShuffle) for module in network.modules())
    assert counts["split_shuffled"] == 30
    assert counts["fold_channel_shuffle"] == shuffles - 30 == 2
