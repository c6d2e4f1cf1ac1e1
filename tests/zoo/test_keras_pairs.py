"""Layers of a kind go to those of the same kind, in order."""

from __future__ import annotations

import torch
from torch import nn

from edgekit.zoo.keras_pairs import kinds, paired_by_kind


def test_each_kind_in_its_own_order() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    assert [kind for _, kind in kinds(network)] == ["conv", "depthwise", "norm", "conv"]
    state = {
        "keras.conv.b.weight": torch.full((4, 3, 1, 1), 1.0),
        "keras.conv.a.weight": torch.full((2, 4, 1, 1), 2.0),
        "keras.depthwise.c.weight": torch.full((4, 1, 3, 3), 3.0),
        "keras.norm.d.running_mean": torch.full((4,), 4.0),
        "keras.other.e.weight": torch.zeros(1),
    }
    paired = paired_by_kind(network, state)
    assert {name: float(value.mean()) for name, value in paired.items()} == {
        "0.weight": 1,
        "1.weight": 3,
        "2.running_mean": 4,
        "3.weight": 2,
        "keras.other.e.weight": 0,
    }


def test_a_convolution_stands_for_a_linear_layer() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 5), nn.Linear(5, 2))
    state = {
        "keras.conv.a.weight": torch.zeros(4, 3, 1, 1),
        "keras.conv.b.weight": torch.zeros(5, 4, 1, 1),
        "keras.dense.c.weight": torch.zeros(2, 5),
    }
    shapes = {name: tuple(value.shape) for name, value in paired_by_kind(network, state).items()}
    assert shapes == {"0.weight": (4, 3, 1, 1), "1.weight": (5, 4), "2.weight": (2, 5)}
