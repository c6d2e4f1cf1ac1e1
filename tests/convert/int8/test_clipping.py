"""What the ranges of half of the images clip of the other half."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from edgekit.convert.int8.clipping import clipping_db
from edgekit.convert.int8.simulation import Scheme
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites

SCHEME = Scheme(weight_steps=127, per_channel=True, symmetric=False)


def lost(images: Tensor) -> float | None:
    """Of a small network, on these images."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    network: fx.GraphModule = apply_rewrites(nn.Sequential(*layers).eval(), (), images[:1])[0]
    return clipping_db(network, name_layers(network), images, SCHEME)


def test_images_that_are_alike_lose_nothing() -> None:
    one = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    assert lost(one.repeat(8, 1, 1, 1)) == 0.0


def test_what_reaches_further_than_the_ranges_is_lost() -> None:
    images = torch.rand(8, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    images[1::2] *= 10  # every second image is brighter than all that give the ranges
    found = lost(images)
    assert found is not None
    assert found > 20


def test_too_few_to_tell() -> None:
    assert lost(torch.rand(3, 3, 12, 12)) is None
