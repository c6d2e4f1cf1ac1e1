"""BN behind a shuffle, BN that nothing can take, and shuffles on NHWC data: exact over random shapes."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.passes.pipeline import apply_rewrites
from edgekit.passes.shuffle_channels_last import shuffle_groups
from edgekit.zoo.permutation import ChannelShuffle, shuffle_order


def random_norm(channels: int, *, affine: bool) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=0.01, affine=affine)
    for tensor in norm.state_dict().values():
        if tensor.ndim:
            tensor.uniform_(0.2, 1.5)
    return norm


def rewritten_equals(network: nn.Sequential, rewrites: list[str], channels: int) -> nn.Module:
    network = network.double().eval()
    sample = torch.randn(2, channels, 3, 4, dtype=torch.float64)
    result, _ = apply_rewrites(network, rewrites, sample)
    with torch.no_grad():
        assert torch.allclose(result(sample), network(sample), rtol=1e-12, atol=1e-12)
    return result


shuffles = st.integers(1, 6).flatmap(lambda g: st.tuples(st.just(g), st.integers(1, 6).map(lambda n: n * g)))


@settings(max_examples=40, deadline=None)
@given(shuffle=shuffles, affine=st.booleans())
def test_bn_moves_through_a_shuffle_into_the_convolution(shuffle: tuple[int, int], affine: bool) -> None:
    groups, channels = shuffle
    network = nn.Sequential(
        nn.Conv2d(channels, channels, 1, groups=groups),
        ChannelShuffle(groups),
        random_norm(channels, affine=affine),
        nn.ReLU(),
    )
    result = rewritten_equals(network, ["hoist_batch_norm", "fold_batch_norm"], channels)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in result.modules())


@settings(max_examples=40, deadline=None)
@given(channels=st.integers(1, 12), affine=st.booleans())
def test_a_leading_bn_becomes_a_scale_and_a_shift(channels: int, affine: bool) -> None:
    network = nn.Sequential(random_norm(channels, affine=affine), nn.ReLU(), nn.Conv2d(channels, 3, 1))
    result = rewritten_equals(network, ["fold_batch_norm", "lower_batch_norm"], channels)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in result.modules())


def test_a_bn_of_a_shuffle_that_others_read_stays_behind_it() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shuffle, self.norm = ChannelShuffle(2), random_norm(6, affine=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            shuffled = self.shuffle(x)
            return self.norm(shuffled) * shuffled

    network = Shared().double().eval()
    sample = torch.randn(1, 6, 2, 2, dtype=torch.float64)
    result, rewrites = apply_rewrites(network, ["hoist_batch_norm"], sample)
    assert rewrites[0].count == 0
    assert torch.equal(result(sample), network(sample))


@settings(max_examples=40, deadline=None)
@given(shuffle=shuffles)
def test_a_shuffle_on_nhwc_data_is_the_same_shuffle(shuffle: tuple[int, int]) -> None:
    groups, channels = shuffle
    rewritten_equals(nn.Sequential(ChannelShuffle(groups)), ["shuffle_channels_last"], channels)


@given(shuffle=shuffles)
def test_groups_are_read_off_an_order(shuffle: tuple[int, int]) -> None:
    groups, channels = shuffle
    found = shuffle_groups(shuffle_order(channels, groups))
    assert found is not None
    assert shuffle_order(channels, found) == shuffle_order(channels, groups)


def test_an_order_that_is_no_shuffle_has_no_groups() -> None:
    assert shuffle_groups((0, 2, 1, 3, 4, 5)) is None
    assert shuffle_groups((1, 0)) is None
