"""Which images the search for a placement judges, where the ranges do not hold."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.artifacts.children.placement import hardest, overrates
from edgekit.convert.int8.simulation import Scheme, Simulation
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites

NONE = frozenset[str]()


@pytest.fixture
def images() -> torch.Tensor:
    """Twenty dim images; two of them are bright, the third and the twelfth."""
    made = 0.1 * torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    made[[3, 12]] *= 10
    return made


@pytest.fixture
def simulation(images: torch.Tensor) -> Simulation:
    """Of a network with a channel that dim images leave asleep; the ranges know dim images alone."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network[0].weight[0], network[0].bias[0] = 100.0, -500.0
    graph, _ = apply_rewrites(network.eval(), (), images[:1])
    dim = torch.cat([images[:3], images[4:12], images[13:]])
    return Simulation(graph, name_layers(graph), dim, Scheme(weight_steps=127, per_channel=True, symmetric=False))


def test_the_images_that_wake_a_channel_are_judged(simulation: Simulation, images: torch.Tensor) -> None:
    chosen = hardest(simulation, images, NONE)
    assert len(chosen) == 6
    bright = {float(image.max()) for image in images[[3, 12]]}
    assert {float(image.max()) for image in chosen[:2]} == bright


def test_a_simulation_far_above_the_artifact_overrates_it(simulation: Simulation, images: torch.Tensor) -> None:
    assert overrates(simulation, images[:3], NONE, measured_db=3.0)
    assert not overrates(simulation, images[:3], NONE, measured_db=60.0)
    assert not overrates(simulation, images[[3, 12]], NONE, measured_db=3.0)
