"""Groups merged until their channels are whole vectors: the same function, as few as do."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.catalog import find_card, profile_for
from edgekit.forms.resolve import resolve
from edgekit.passes.align_groups import fewest
from edgekit.passes.densify_group_conv import merged
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten, share_norms

widths = st.tuples(st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(pair=st.sampled_from([(4, 1), (4, 2), (6, 3), (6, 2), (5, 5)]), per_group=widths, bias=st.booleans())
def test_merged_groups_are_the_same_function(pair, per_group, bias):
    groups, count = pair
    torch.manual_seed(groups)
    conv = nn.Conv2d(groups * per_group[0], groups * per_group[1], 3, 2, 1, groups=groups, bias=bias).double()
    image = torch.randn(2, conv.in_channels, 7, 6, dtype=torch.float64)
    other = merged(conv, count)
    assert other.groups == groups // count
    with torch.no_grad():
        torch.testing.assert_close(other(image), conv(image), rtol=1e-12, atol=1e-12)


def test_the_fewest_that_fill_vectors_are_merged():
    for groups, inputs, outputs in itertools.product((2, 3, 4, 8, 12), (1, 2, 4, 5, 6), (1, 2, 4, 8, 10)):
        conv = nn.Conv2d(groups * inputs, groups * outputs, 1, groups=groups)
        count = fewest(conv)
        fits = [n for n in range(1, groups) if not groups % n and not n * inputs % 4 and not n * outputs % 4]
        assert count == (min(fits) if fits else groups)
    assert fewest(nn.Conv2d(48, 48, 3, groups=24)) == 2
    assert fewest(nn.Conv2d(15, 15, 1, groups=3)) == 3


def test_aligned_and_depthwise_convolutions_stay():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(8, 16, 1, groups=2),
        nn.Conv2d(16, 16, 3, groups=16),
        nn.Conv2d(16, 8, 1, groups=4),
        nn.Conv2d(8, 5, 1),
    )
    result, done = rewritten(lively(network), ["align_groups"], (1, 8, 5, 5))
    assert done == {"align_groups": 1}
    assert sorted(conv.groups for conv in layers(result, nn.Conv2d)) == [1, 2, 2, 16]


@pytest.mark.parametrize(
    "model",
    ["condensenet_fashion_small", "igcv1_cifar10_l24m2_d20_plain", "igcv3_d_0.25_imagenet", "shufflenet_v1_g3_0.25"],
)
def test_no_narrow_group_is_left_in_what_mobile_gpus_get(model):
    card = find_card(model)
    profile = resolve(card, profile_for("tflite", "fp32").model_copy(update={"target": "mobile-gpu"})).profile
    assert profile.form == "aligned-groups"
    network = share_norms(lively(create(card)))
    result, done = rewritten(network, profile.rewrites, (1, card.input_shape[0], 32, 32))
    assert done["align_groups"] > 0
    grouped = [conv for conv in layers(result, nn.Conv2d) if 1 < conv.groups < conv.in_channels]
    assert all(fewest(conv) == 1 for conv in grouped)
    assert not [node for node in result.graph.nodes if node.target is torch.index_select]
