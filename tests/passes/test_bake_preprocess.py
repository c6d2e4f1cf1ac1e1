"""Pixels in, scores out: equal to normalising first, on real photos and to the last border pixel."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import edgekit
from edgekit.base.images.pixels import load_pixels, normalise
from edgekit.catalog import find_card
from edgekit.passes.bake_preprocess import bake_preprocess
from edgekit.types import Preprocessing

CARD = find_card("mobilenet_v3_small_0.35")


def as_input(pixels, cast: bool) -> torch.Tensor:
    image = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
    return image if cast else image.float()


@pytest.mark.parametrize("cast", [False, True])
def test_real_photos(cast):
    network = edgekit.build(CARD.id)
    pixels, _ = load_pixels(None, CARD.preprocessing)
    with torch.no_grad():
        expected = network(torch.from_numpy(normalise(pixels[:4], CARD.preprocessing)))
        made = bake_preprocess(network, CARD.preprocessing, cast)(as_input(pixels[:4], cast))
    torch.testing.assert_close(made, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@given(
    mean=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    std=st.lists(st.floats(0.05, 2), min_size=3, max_size=3),
    seed=st.integers(0, 100),
)
@settings(max_examples=40, deadline=None)
def test_exact_at_the_borders_of_a_padded_convolution(mean, std, seed):
    preprocessing = Preprocessing(resize=8, crop=8, mean=tuple(mean), std=tuple(std))
    torch.manual_seed(seed)
    network = nn.Conv2d(3, 4, 5, padding=2).eval()
    pixels = torch.randint(0, 256, (1, 8, 8, 3), dtype=torch.uint8).numpy()
    with torch.no_grad():
        expected = network(torch.from_numpy(normalise(pixels, preprocessing)))
        made = bake_preprocess(network, preprocessing, cast=True)(as_input(pixels, True))
    scale = max(1.0, float(expected.abs().max()), *(2 / s for s in std))
    torch.testing.assert_close(made, expected, rtol=0, atol=2e-5 * scale)


def test_it_is_one_depthwise_convolution():
    baked = bake_preprocess(nn.Identity(), CARD.preprocessing, cast=False)
    assert (baked.normalise.groups, baked.normalise.kernel_size) == (3, (1, 1))
    assert not baked.training
    white = baked(torch.full((1, 3, 1, 1), 255.0)).flatten().tolist()
    expected = [(1 - m) / s for m, s in zip(CARD.preprocessing.mean, CARD.preprocessing.std, strict=True)]
    assert white == pytest.approx(expected, rel=1e-6)
