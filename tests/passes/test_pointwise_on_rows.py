"""1x1 group convolutions as products on rows: the same function, where rows are long and nobody else reads."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card, profile_for
from edgekit.forms.catalogue import find
from edgekit.passes.flatten_maps import Maps
from edgekit.passes.pointwise_on_rows import LEAST_PIXELS, RowConv, RowShuffle
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten

NAMES = ["flatten_maps", "pointwise_on_rows"]


class Unit(nn.Module):
    """A gather, and what reads it: a 1x1 group convolution and the layers behind it."""

    def __init__(self, pointwise: nn.Conv2d, *behind: nn.Module, forked: bool = False) -> None:
        super().__init__()
        self.pointwise, self.behind, self.forked = pointwise, nn.Sequential(*behind), forked
        self.register_buffer("index", torch.arange(pointwise.in_channels).flip(0))

    def forward(self, x: Tensor) -> Tensor:
        gathered = torch.index_select(x, 1, self.index)
        made: Tensor = self.behind(self.pointwise(gathered))
        return made + gathered.mean((1, 2, 3), keepdim=True) if self.forked else made


@settings(max_examples=30, deadline=None)
@given(
    groups=st.integers(2, 4),
    inputs=st.integers(2, 3),
    outputs=st.integers(1, 3),
    bias=st.booleans(),
    relu=st.sampled_from([None, nn.ReLU(), nn.ReLU6()]),
    shuffled=st.booleans(),
    batch=st.integers(1, 2),
)
def test_same_function(groups, inputs, outputs, bias, relu, shuffled, batch):
    torch.manual_seed(groups)
    behind = [relu] if relu is not None else []
    behind += [ChannelShuffle(groups)] if shuffled else []
    channels = groups * outputs
    unit = Unit(
        nn.Conv2d(groups * inputs, channels, 1, groups=groups, bias=bias), *behind, nn.Conv2d(channels, 3, 3, padding=1)
    )
    result, done = rewritten(lively(unit), NAMES, (batch, groups * inputs, 28, 29))
    assert done["pointwise_on_rows"] == 1
    assert (len(layers(result, RowConv)), len(layers(result, RowShuffle))) == (1, shuffled)
    # Once in front of the 3x3 convolution and nowhere else: the shuffle and the activation work on rows too.
    assert len(layers(result, Maps)) == 1


@pytest.mark.parametrize(
    ("conv", "size", "forked"),
    [
        (nn.Conv2d(4, 4, 1, groups=2), 27, False),  # short rows
        (nn.Conv2d(4, 4, 1), 30, False),
        (nn.Conv2d(4, 4, 1, groups=4), 30, False),
        (nn.Conv2d(4, 4, 3, padding=1, groups=2), 30, False),
        (nn.Conv2d(4, 4, 1, 2, groups=2), 60, False),
        (nn.Conv2d(4, 4, 1, padding=1, groups=2), 30, False),
        (nn.Conv2d(4, 4, 1, groups=2), 30, True),  # somebody else reads the maps
    ],
)
def test_where_it_stays(conv, size, forked):
    torch.manual_seed(0)
    assert LEAST_PIXELS == 28 * 28
    done = rewritten(lively(Unit(conv, nn.ReLU(), forked=forked)), NAMES, (1, 4, size, size))[1]
    assert done["pointwise_on_rows"] == 0


def test_what_reads_the_product_reads_maps():
    """An output, and two readers of an activation."""
    torch.manual_seed(0)
    done = rewritten(lively(Unit(nn.Conv2d(4, 6, 1, groups=2))), NAMES, (1, 4, 28, 28))[1]
    assert done["pointwise_on_rows"] == 1

    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unit, self.left, self.right = (
                Unit(nn.Conv2d(4, 6, 1, groups=2), nn.ReLU()),
                nn.ReLU(),
                ChannelShuffle(3),
            )

        def forward(self, x: Tensor) -> Tensor:
            made = self.unit(x)
            left: Tensor = self.left(made)
            return left + self.right(made)

    result, done = rewritten(lively(Fork()), NAMES, (1, 4, 28, 28))
    assert done["pointwise_on_rows"] == 1
    assert len(layers(result, RowShuffle)) == 0


def test_without_rows_nothing_changes():
    torch.manual_seed(0)
    done = rewritten(lively(Unit(nn.Conv2d(4, 4, 1, groups=2))), ["pointwise_on_rows"], (1, 4, 28, 28))[1]
    assert done == {"pointwise_on_rows": 0}


def test_condensenet():
    card = find_card("condensenet_fashion_small")
    names = find("products-on-rows").rewrites(profile_for("openvino", "fp32").rewrites)
    _, done = rewritten(lively(create(card)), names, (1, card.input_shape[0], 56, 56))
    assert done["pointwise_on_rows"] > 0
