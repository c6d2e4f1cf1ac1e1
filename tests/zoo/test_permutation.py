"""Shuffles, their inverses, and the complementary conditions of the IGC family."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.errors import UsageError
from edgekit.zoo.igcv1 import IGC
from edgekit.zoo.igcv2 import IGCV2, IGCV2Block, is_complementary, path_counts, stage_radices
from edgekit.zoo.permutation import ChannelShuffle, channel_shuffle, compose_orders, inverse_order, shuffle_order
from edgekit.zoo.shufflenet_v1 import CONVENTIONS, ShuffleUnit
from edgekit.zoo.shufflenet_v2 import ShuffleUnit as ShuffleUnitV2

factors = st.integers(1, 9)


@given(groups=factors, size=factors, height=st.integers(1, 3), width=st.integers(1, 3))
@settings(deadline=None)
def test_a_shuffle_is_its_order(groups: int, size: int, height: int, width: int) -> None:
    channels = groups * size
    x = torch.randn(2, channels, height, width)
    order = shuffle_order(channels, groups)
    assert sorted(order) == list(range(channels))
    assert torch.equal(channel_shuffle(x, groups), x[:, list(order)])
    assert torch.equal(
        channel_shuffle(x, groups), x.view(2, groups, size, height, width).transpose(1, 2).reshape(x.shape)
    )


@given(groups=factors, size=factors)
@settings(deadline=None)
def test_the_inverse_is_the_shuffle_by_the_other_factor(groups: int, size: int) -> None:
    channels = groups * size
    order = shuffle_order(channels, groups)
    assert inverse_order(order) == shuffle_order(channels, size)
    assert compose_orders(order, inverse_order(order)) == tuple(range(channels))
    x = torch.randn(1, channels, 2, 3)
    assert torch.equal(ChannelShuffle(size)(ChannelShuffle(groups)(x)), x)


def test_groups_that_do_not_divide_are_an_error() -> None:
    with pytest.raises(UsageError, match="10 channels cannot have 3 groups"):
        shuffle_order(10, 3)


def dense_kernel(block: nn.Module, channels: int) -> torch.Tensor:
    """Absolute response of every output (row) to every input (column), summed over positions; BN is left out."""
    with torch.no_grad():
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.fill_(1.0)
        basis = torch.zeros(channels, channels, 3, 3)
        basis[:, :, 1, 1] = torch.eye(channels)
        return block(basis)[:, :, 1, 1].T


@given(primary=st.integers(1, 6), secondary=st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_igcv1_joins_every_input_to_every_output_once(primary: int, secondary: int) -> None:
    channels = primary * secondary
    block = IGC(channels, channels, 1, primary, secondary, 0.1)
    block.norm, block.activation = nn.Identity(), nn.Identity()
    assert torch.equal(dense_kernel(block, channels), torch.ones(channels, channels))


@given(radices=st.lists(st.integers(1, 5), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_igcv2_is_complementary_when_the_product_is_the_width(radices: list[int]) -> None:
    channels = prod(radices)
    assert is_complementary(channels, radices)
    block = IGCV2Block(channels, channels, 1, radices)
    block.norm, block.activation = nn.Identity(), nn.Identity()
    assert torch.equal(dense_kernel(block, channels), torch.ones(channels, channels))


@given(radices=st.lists(st.integers(2, 4), min_size=2, max_size=2), more=st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_igcv2_counts_its_paths(radices: list[int], more: int) -> None:
    channels = prod(radices) * more
    assert not is_complementary(channels, radices)
    counted = path_counts(channels, radices)
    block = IGCV2Block(channels, channels, 1, radices)
    block.norm, block.activation = nn.Identity(), nn.Identity()
    assert torch.equal(dense_kernel(block, channels), counted.float())
    assert (counted.sum(1) == prod(radices)).all()


def test_loose_igcv2_mixes_all_channels_over_blocks() -> None:
    for channels in (64, 128, 256, 416, 832):
        paths = path_counts(channels, (8, 8))
        assert paths.max() == 1
        assert ((paths @ paths @ paths) > 0).all()


def test_strict_igcv2() -> None:
    assert stage_radices(128, 8, 3, strict=True) == (8, 16)
    with torch.device("meta"):
        network = IGCV2(16, 4, 3, 5, strict=True, num_classes=10)
    groups = [m.groups for block in network.blocks for m in block.pointwise if isinstance(m, nn.Conv2d)]
    assert groups == [4, 4, 8, 4, 16, 4]
    with pytest.raises(UsageError, match=r"416 channels are not 64\^1 times a whole number"):
        stage_radices(416, 64, 3, strict=True)
    with pytest.raises(UsageError, match="do not divide 36 channels"):
        stage_radices(36, 8, 3, strict=False)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_shufflenet_v1_conventions(convention: str, stride: int) -> None:
    unit = ShuffleUnit(24, 48 if stride == 2 else 24, stride, 3, 3, CONVENTIONS[convention]).eval()
    x = torch.randn(2, 24, 8, 8).abs()
    hidden = unit.hidden
    inverse, after = convention == "megvii", convention == "megvii"
    view = (hidden // 3, 3) if inverse else (3, hidden // 3)

    def shuffled(t: torch.Tensor) -> torch.Tensor:
        return t.unflatten(1, view).transpose(1, 2).flatten(1, 2)

    with torch.no_grad():
        main = unit.reduce(x)
        main = shuffled(unit.depthwise(main)) if after else unit.depthwise(shuffled(main))
        main = unit.expand(main)
        if stride == 1:
            expected = (x + main).relu()
        else:
            parts = [nn.functional.avg_pool2d(x, 3, 2, 1), main.relu()]
            expected = torch.cat(parts[::-1] if convention == "pytorchcv" else parts, 1)
        torch.testing.assert_close(unit(x), expected)


def test_megvii_shufflenet_v2_takes_even_and_odd_channels() -> None:
    unit = ShuffleUnitV2(8, 8, 1, "megvii").eval()
    x = torch.randn(2, 8, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(unit(x), torch.cat([x[:, ::2], unit.branch2(x[:, 1::2])], 1))
