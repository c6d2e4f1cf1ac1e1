"""Several pixels at once: the same function, and only where whole blocks come of it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.passes.pack_pixels import PackedColumns, PackedConv, PackedRows

from .networks import lively, rewritten


@settings(max_examples=80, deadline=None)
@given(
    groups=st.integers(1, 3),
    per_group=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pixels=st.integers(1, 5),
    blocks=st.integers(1, 3),
    height=st.integers(1, 5),
    bias=st.booleans(),
    packed=st.sampled_from([PackedConv, PackedRows]),
)
def test_same_function(groups, per_group, pixels, blocks, height, bias, packed):
    torch.manual_seed(pixels)
    conv = nn.Conv2d(groups * per_group[0], groups * per_group[1], 3, padding=1, groups=groups, bias=bias).double()
    image = torch.randn(2, conv.in_channels, height, pixels * blocks, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(packed(conv, pixels)(image), conv(image), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("conv", "width", "count"),
    [
        (nn.Conv2d(32, 8, 3, padding=1, groups=4), 8, 1),  # dense, two pixels
        (nn.Conv2d(64, 16, 3, padding=1, groups=4), 8, 1),  # four pixels
        (nn.Conv2d(64, 16, 3, padding=1, groups=4), 6, 0),  # the width does not divide
        (nn.Conv2d(64, 64, 3, padding=1, groups=4), 8, 0),  # a block of outputs is full already
        (nn.Conv2d(64, 12, 3, padding=1, groups=4), 8, 0),  # three outputs do not fill one
        (nn.Conv2d(64, 16, 3, 2, 1, groups=4), 8, 0),
        (nn.Conv2d(64, 16, 3, padding=1, groups=4, padding_mode="reflect"), 8, 0),
        (nn.Conv2d(64, 16, 1, groups=4), 8, 0),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8), 8, 0),
    ],
)
def test_where_it_acts(conv, width, count):
    torch.manual_seed(0)
    network = lively(nn.Sequential(conv, nn.ReLU()))
    assert rewritten(network, ["pack_pixels"], (1, conv.in_channels, 4, width))[1] == {"pack_pixels": count}


def test_blocks_of_eight_keep_groups_of_eight_inputs():
    torch.manual_seed(0)
    network = lively(nn.Sequential(nn.Conv2d(32, 8, 3, padding=1, groups=4), nn.Conv2d(8, 8, 3, padding=1, groups=2)))
    result, done = rewritten(network, ["pack_pixels_by_eight"], (1, 32, 4, 8))
    assert done == {"pack_pixels_by_eight": 1}
    convs = sorted((c.in_channels, c.out_channels, c.groups) for c in result.modules() if isinstance(c, nn.Conv2d))
    # Groups of four inputs fill no block: dense, and so full of outputs that they need no packing.
    assert convs == [(8, 8, 2), (32, 32, 4)]


@settings(max_examples=40, deadline=None)
@given(
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    pixels=st.integers(1, 5),
    blocks=st.integers(1, 3),
    height=st.integers(1, 5),
    bias=st.booleans(),
)
def test_dense_convolutions_compute_the_same(channels, pixels, blocks, height, bias):
    torch.manual_seed(pixels)
    conv = nn.Conv2d(*channels, 3, padding=1, bias=bias).double()
    image = torch.randn(2, conv.in_channels, height, pixels * blocks, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(PackedColumns(conv, pixels)(image), conv(image), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("conv", "count"),
    [
        (nn.Conv2d(5, 8, 3, padding=1), 1),  # two pixels
        (nn.Conv2d(5, 4, 3, padding=1), 1),  # four pixels
        (nn.Conv2d(5, 16, 3, padding=1), 0),  # a vector is full already
        (nn.Conv2d(5, 12, 3, padding=1), 0),
        (nn.Conv2d(16, 8, 3, padding=1, groups=2), 0),
        (nn.Conv2d(5, 8, 3, 2, 1), 0),
        (nn.Conv2d(5, 8, 1), 0),
    ],
)
def test_where_dense_convolutions_are_packed(conv, count):
    torch.manual_seed(0)
    network = lively(nn.Sequential(conv, nn.ReLU()))
    done = rewritten(network, ["pack_dense_pixels"], (1, conv.in_channels, 4, 8))[1]
    assert done == {"pack_dense_pixels": count}
