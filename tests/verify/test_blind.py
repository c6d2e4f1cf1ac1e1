"""A network whose scores do not depend on the image is refused, and the layer that is to blame is named."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgekit.errors import UsageError
from edgekit.verify.blind import check_sight


def network(classes: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, classes)).eval()


def images(count: int = 3) -> Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def check(made: nn.Module, given: Tensor) -> None:
    with torch.no_grad():
        check_sight(made, given, made(given))


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_a_network_that_sees_passes(classes: int) -> None:
    check(network(classes), images())
    check(network(classes), images(1))


def test_equal_images_prove_nothing_against_a_network() -> None:
    check(network(), images(1).repeat(3, 1, 1, 1))


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_constant_head_is_named(value: float) -> None:
    made = network()
    head = made[3]
    assert isinstance(head, nn.Linear)
    nn.init.constant_(head.weight, value)
    nn.init.constant_(head.bias, 0.1)
    with pytest.raises(UsageError, match=f"every class has the same score.*all weights of its head 3 are {value:g}"):
        check(made, images())


@pytest.mark.parametrize("classes", [1, 4])
def test_a_head_of_zeros_with_a_bias_is_named(classes: int) -> None:
    made = network(classes)
    nn.init.zeros_(made[3].weight)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the same for all of 3 images, whatever they show: all weights of its head 3"):
        check(made, images())


def test_the_first_blind_layer_is_named() -> None:
    made = network()
    nn.init.constant_(made[0].bias, -1000.0)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"whatever they show: the output of layer 1 \(ReLU\) does not depend on them"):
        check(made, images())
