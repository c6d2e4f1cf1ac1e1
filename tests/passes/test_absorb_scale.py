"""Pre-activation BN as one addition: the same function, and nothing where a scale could not pass."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.passes._pass import modules_of as look
from edgekit.passes.absorb_scale import absorb_scale
from edgekit.passes.pad_hidden import pad_hidden

from .networks import layers, lively, rewritten


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(1, 3),
    per_group=st.integers(1, 4),
    kernel=st.sampled_from([1, 3]),
    affine=st.booleans(),
    pool=st.sampled_from([nn.Identity(), nn.AvgPool2d(2), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(3)]),
)
def test_same_function(groups, per_group, kernel, affine, pool):
    torch.manual_seed(per_group)
    channels = groups * per_group
    network = nn.Sequential(
        nn.BatchNorm2d(channels, affine=affine),
        nn.ReLU(),
        pool,
        nn.Conv2d(channels, groups * 2, kernel, padding=1, groups=groups),
    )
    result, done = rewritten(lively(network), ["absorb_scale"], (2, channels, 6, 6))
    assert done == {"absorb_scale": 1}
    assert not layers(result, nn.BatchNorm2d)


def test_a_linear_head_takes_the_scale():
    network = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(4, 3))
    assert rewritten(lively(network), ["absorb_scale"], (1, 4, 3, 3))[1] == {
        "absorb_scale": 0
    }  # a module, not torch.flatten


class Shared(nn.Module):
    """The activation has a second reader."""

    def __init__(self):
        super().__init__()
        self.norm, self.relu, self.conv = nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = self.relu(self.norm(x))
        return self.conv(x) + x


@pytest.mark.parametrize(
    "network",
    [
        Shared(),
        nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.BatchNorm2d(4), nn.ReLU6(), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.BatchNorm2d(4), nn.Sigmoid(), nn.Conv2d(4, 4, 1)),
    ],
)
def test_left_alone(network):
    assert rewritten(lively(network), ["absorb_scale"], (1, 4, 3, 3))[1] == {"absorb_scale": 0}


@pytest.mark.parametrize("gamma", [-1.0, 0.0, 1e-9])
def test_a_scale_that_is_not_positive_stays(gamma):
    network = lively(nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1)))
    with torch.no_grad():
        network[0].weight[2] = gamma
    assert rewritten(network, ["absorb_scale"], (1, 4, 3, 3))[1] == {"absorb_scale": 0}


@pytest.mark.parametrize("rewrite", [absorb_scale, pad_hidden])
def test_modules_are_looked_up_once_a_change_and_not_once_a_node(monkeypatch, rewrite):
    """All of them, so that a deep network took seconds."""
    blocks = [layer for _ in range(20) for layer in (nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 1))]
    looked: list[nn.Module] = []
    monkeypatch.setattr(
        sys.modules[rewrite.__module__], "modules_of", lambda graph: looked.append(graph) or look(graph)
    )
    _, done = rewritten(lively(nn.Sequential(*blocks)), [rewrite.__name__], (1, 6, 4, 4))
    (changed,) = done.values()
    assert 10 < changed <= 20
    assert len(looked) <= 2 * changed + 1  # once more where it is changed
