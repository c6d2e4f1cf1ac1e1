"""Hidden channels filled up: the same function, only inside a block, and none where four divides them already."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card, profile_for
from edgekit.forms.catalogue import find
from edgekit.passes.pad_hidden import INT8_MULTIPLE, MULTIPLE
from edgekit.zoo.blocks import SqueezeExcite
from edgekit.zoo.registry import create

from .networks import lively, rewritten


def channelwise(kind: str, channels: int, bias: bool) -> nn.Module:
    """A layer that may stand between the two convolutions."""
    layers = {
        "relu": nn.ReLU(),
        "relu6": nn.ReLU6(),
        "hard-sigmoid": nn.Hardsigmoid(),  # of zero it is a half
        "norm": nn.BatchNorm2d(channels),
        "bare-norm": nn.BatchNorm2d(channels, affine=False),
        "depthwise": nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=bias),
        "pool": nn.AvgPool2d(3, 1, 1),
    }
    return layers[kind]


KINDS = st.sampled_from(["relu", "relu6", "hard-sigmoid", "norm", "bare-norm", "depthwise", "pool"])


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(2, 9), kinds=st.lists(KINDS, max_size=4), bias=st.booleans(), kernel=st.sampled_from([1, 3])
)
def test_same_function_with_whole_fours_inside(channels, kinds, bias, kernel):
    torch.manual_seed(channels)
    network = nn.Sequential(
        nn.Conv2d(3, channels, 3, bias=bias),
        *(channelwise(kind, channels, bias) for kind in kinds),
        nn.Conv2d(channels, 5, kernel, padding=kernel // 2),
    )
    made, done = rewritten(lively(network), ["pad_hidden"], (2, 3, 7, 6))
    assert done == {"pad_hidden": int(channels % MULTIPLE > 0)}
    convs = [layer for layer in made.modules() if isinstance(layer, nn.Conv2d)]
    assert convs[0].out_channels == convs[-1].in_channels == -(-channels // MULTIPLE) * MULTIPLE
    assert (convs[0].in_channels, convs[-1].out_channels) == (3, 5)


def test_a_convolution_that_writes_and_reads_is_filled_on_both_sides():
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 6, 1)
    network = nn.Sequential(nn.Conv2d(3, 6, 1), nn.ReLU(), conv, nn.ReLU(), conv, nn.ReLU(), nn.Conv2d(6, 3, 1))
    made, done = rewritten(lively(network), ["pad_hidden"], (2, 3, 4, 4))
    assert done == {"pad_hidden": 3}
    modules = dict(made.named_modules())
    calls = [modules[node.target] for node in made.graph.nodes if node.op == "call_module"]
    assert [layer.out_channels for layer in calls if isinstance(layer, nn.Conv2d)] == [8, 8, 8, 3]


class Shared(nn.Module):
    """The hidden channels are read twice, or are added to something."""

    def __init__(self, added: bool) -> None:
        super().__init__()
        self.first, self.relu, self.last, self.added = nn.Conv2d(6, 6, 1), nn.ReLU(), nn.Conv2d(6, 6, 1), added

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.relu(self.first(x))
        read: Tensor = self.last(hidden + x if self.added else hidden)
        return read + hidden


@pytest.mark.parametrize(
    "network",
    [
        Shared(added=False),
        Shared(added=True),
        nn.Sequential(nn.Conv2d(6, 6, 1), nn.Softmax(1), nn.Conv2d(6, 6, 1)),
        nn.Sequential(nn.Conv2d(6, 6, 1, groups=2), nn.Conv2d(6, 6, 1)),
        nn.Sequential(nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1, groups=2)),
        nn.Sequential(nn.Conv2d(6, 6, 1), nn.Conv2d(6, 12, 3, groups=6)),  # two filters a channel
        nn.Sequential(nn.ReLU(), nn.Conv2d(6, 6, 1), nn.ReLU()),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 6, 1), nn.ReLU(), nn.Conv2d(6, 6, 1)),  # a single pixel
    ],
)
def test_anything_else_is_left_alone(network):
    torch.manual_seed(0)
    assert rewritten(lively(network), ["pad_hidden"], (1, 6, 4, 4))[1] == {"pad_hidden": 0}


def test_the_form_reaches_the_units_of_shufflenet_v2_behind_the_folded_shuffles():
    names = find("padded").rewrites(profile_for("onnx", "fp32").rewrites)
    assert names.index("fold_channel_shuffle") < names.index("pad_hidden")
    counts = rewritten(lively(create(find_card("shufflenet_v2_1.0"))), names, (1, 3, 32, 32))[1]
    assert (counts["fold_channel_shuffle"], counts["pad_hidden"]) == (16, 4)  # stage 2 has four units of 58


@settings(max_examples=40, deadline=None)
@given(channels=st.integers(8, 40), gated=st.booleans(), swish=st.booleans(), depthwise=st.booleans())
def test_depthwise_convolutions_get_whole_sixteens_and_so_does_the_gate_behind_them(channels, gated, swish, depthwise):
    torch.manual_seed(channels)
    network = nn.Sequential(
        nn.Conv2d(3, channels, 1),
        nn.Hardswish() if swish else nn.ReLU(),
        nn.Conv2d(channels, channels, 3, 1, 1, groups=channels) if depthwise else nn.Identity(),
        SqueezeExcite(channels, 6) if gated else nn.Identity(),
        nn.Conv2d(channels, 5, 1),
    )
    made, done = rewritten(lively(network), ["pad_depthwise"], (2, 3, 7, 6))
    wanted = -(-channels // INT8_MULTIPLE) * INT8_MULTIPLE
    worth_it = depthwise and channels < wanted <= 1.25 * channels
    assert done == {"pad_depthwise": int(worth_it)}
    widths = {layer.out_channels for layer in made.modules() if isinstance(layer, nn.Conv2d)}
    assert widths == {wanted if worth_it else channels, 5} | ({6} if gated else set())


class Gated(nn.Module):
    """The hidden channels times something that is not made for them alone."""

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.gate = gate
        self.first, self.last = nn.Conv2d(14, 14, 1), nn.Conv2d(14, 14, 1)
        self.depthwise = nn.Conv2d(14, 14, 3, 1, 1, groups=14)
        self.one = nn.Conv2d(14, 1, 1)
        self.weigh = nn.Conv2d(14, 14, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.depthwise(self.first(x))
        if self.gate == "input":
            return self.last(hidden * x)
        if self.gate == "one channel for all":
            return self.last(hidden * self.one(x))
        weights: Tensor = self.weigh(x)
        made: Tensor = self.last(hidden * weights)
        return made + weights


@pytest.mark.parametrize("gate", ["input", "one channel for all", "a gate that is read elsewhere"])
def test_products_with_anything_else_are_left_alone(gate):
    torch.manual_seed(0)
    assert rewritten(lively(Gated(gate)), ["pad_depthwise"], (1, 14, 4, 4))[1] == {"pad_depthwise": 0}
