"""Hard-swish and hard-sigmoid without their sixth: the same function where linear layers take it, else nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.zoo.blocks import SqueezeExcite
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten

BOTH = ["absorb_hard_sigmoid_sixth", "absorb_hard_swish_sixth"]


def block(*middle: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return lively(nn.Sequential(nn.Conv2d(3, 8, 1), nn.Hardswish(), *middle, nn.Conv2d(8, 4, 3, padding=1)))


@pytest.mark.parametrize(
    "middle",
    [
        (),
        (nn.MaxPool2d(2),),
        (nn.AvgPool2d(2), nn.ReLU()),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Hardswish()),
        (SqueezeExcite(8, 4),),
    ],
)
def test_readers_take_it(middle):
    result, done = rewritten(block(*middle), BOTH, (2, 3, 8, 8))
    swishes = 1 + sum(isinstance(m, nn.Hardswish) for m in middle)
    assert done == {"absorb_hard_sigmoid_sixth": int("Squeeze" in str(middle)), "absorb_hard_swish_sixth": swishes}
    assert not layers(result, nn.Hardswish)
    assert not layers(result, nn.Hardsigmoid)


@pytest.mark.parametrize("middle", [(nn.Sigmoid(),), (nn.ReLU6(),), (nn.BatchNorm2d(8),), (nn.Softmax(1),)])
def test_what_does_not_scale_along_leaves_it_alone(middle):
    result, done = rewritten(block(*middle), BOTH, (1, 3, 8, 8))
    assert done == dict.fromkeys(BOTH, 0)
    assert len(layers(result, nn.Hardswish)) == 1


class Residual(nn.Module):
    """A hard-swish that is added to something and returned, and one that is squared."""

    def __init__(self, square: bool) -> None:
        super().__init__()
        self.conv, self.swish, self.square, self.out = nn.Conv2d(3, 3, 1), nn.Hardswish(), square, nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.swish(self.conv(x))
        made: Tensor = self.out(y * y) if self.square else y + x
        return made


@pytest.mark.parametrize("square", [False, True])
def test_a_sum_or_a_square_leaves_it_alone(square):
    torch.manual_seed(0)
    assert rewritten(lively(Residual(square)), BOTH, (1, 3, 4, 4))[1] == dict.fromkeys(BOTH, 0)


class Gate(nn.Module):
    """A gate whose input nothing can raise."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.conv = nn.Hardsigmoid(), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(self.gate(x) * x)
        return made


def test_a_gate_without_a_convolution_before_it_is_left_alone():
    torch.manual_seed(0)
    assert rewritten(lively(Gate()), BOTH, (1, 3, 4, 4))[1] == dict.fromkeys(BOTH, 0)


@pytest.mark.parametrize(
    ("model", "swishes", "left"), [("mobilenet_v3_large_0.35", 21, 0), ("mobilenet_v3_large_1.0", 20, 1)]
)
def test_mobilenet_v3_keeps_only_one_that_is_added_to_something(model, swishes, left):
    result, done = rewritten(lively(create(find_card(model))), ["fold_batch_norm", *BOTH], (1, 3, 32, 32))
    assert done == {"fold_batch_norm": 46, "absorb_hard_sigmoid_sixth": 8, "absorb_hard_swish_sixth": swishes}
    assert len(layers(result, nn.Hardswish)) == left
