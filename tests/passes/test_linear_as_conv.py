"""Linear layers on one pixel as convolutions: the same function, and no other layer touched."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.passes.linear_as_conv import PixelLinear
from edgekit.passes.name_layers import name_layers
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten

POOL = nn.AdaptiveAvgPool2d(1)
between = st.lists(st.sampled_from([nn.Hardswish(), nn.ReLU6(), nn.Dropout(0.5), nn.Identity()]), max_size=2)


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    bias=st.booleans(),
    batch=st.integers(1, 2),
    front=between,
    behind=between,
)
def test_a_classifier_on_the_pooled_map(widths, bias, batch, front, behind):
    torch.manual_seed(sum(widths))
    parts: list[nn.Module] = [POOL, nn.Flatten(), *front]
    for made, read in zip(widths[1:], widths, strict=False):
        parts += [nn.Linear(read, made, bias=bias), *behind]
    network = nn.Sequential(*parts).double().eval()
    result, done = rewritten(network, ["linear_as_conv"], (batch, widths[0], 3, 2))
    assert done == {"linear_as_conv": len(widths) - 1}
    assert not layers(result, nn.Linear)
    flattened = [node for node in result.graph.nodes if str(node.target) == "1"]
    assert len(flattened) == 1, "one flattening, behind the last layer"
    assert isinstance(result.get_submodule(str(flattened[0].all_input_nodes[0].target)), PixelLinear)


class Gated(nn.Module):
    """What the linear layer reads is also read by another."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1)
        gated: Tensor = pooled * self.fc(pooled)
        return gated


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.AdaptiveAvgPool2d((2, 1)), nn.Flatten(), nn.Linear(8, 3)),  # two pixels
        nn.Sequential(nn.Linear(5, 3)),  # along the width
        nn.Sequential(POOL, nn.Flatten(2), nn.Linear(1, 3)),
        nn.Sequential(POOL, nn.Flatten(), nn.Softmax(1), nn.Linear(4, 3)),  # over the channels: not of one value
        Gated(),
    ],
)
def test_others_are_left_alone(network):
    assert rewritten(lively(network), ["linear_as_conv"], (1, 4, 5, 5))[1] == {"linear_as_conv": 0}


@pytest.mark.parametrize(("model", "count"), [("mobilenet_v3_small_0.75", 2), ("squeezenet_1.1", 0)])
def test_real_networks(model, count):
    result, done = rewritten(lively(create(find_card(model))), ["linear_as_conv"], (1, 3, 64, 64))
    assert done == {"linear_as_conv": count}
    kinds = [layer.kinds for layer in name_layers(result) if "linear" in layer.kinds]
    assert len(kinds) == count, "still linear layers for keep_float"
    assert all("last" in each for each in kinds[-1:])
