"""What is known of a network without values is what a real one gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from edgekit.catalog import cards
from edgekit.zoo.complexity import layer_costs
from edgekit.zoo.registry import FAMILIES, create
from edgekit.zoo.shapes_only import ShapesAtOnce, shapes_only


@pytest.mark.parametrize("family", FAMILIES)
def test_costs_are_those_of_a_real_network(family: str) -> None:
    card = min((card for card in cards().values() if card.family == family), key=lambda card: card.macs)
    shape = (1, *card.input_shape)
    with shapes_only():
        network = create(card)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert layer_costs(network, shape) == layer_costs(create(card), shape)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False)], ids=["affine", "bare"])
def test_nothing_is_taken_apart(norm: nn.Module) -> None:
    """Under PyTorch's own rules each of these is tens of smaller operators."""
    norm = norm.to("meta").eval()
    given = torch.empty(2, 4, 3, 3, device="meta")
    weight = torch.empty(4, 3, device="meta")
    with Ran() as ran, ShapesAtOnce():
        assert norm(given).shape == given.shape
        for fill in (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_, nn.init.kaiming_normal_):
            assert fill(weight) is weight
        assert ran.operators == []
        nn.ReLU()(given)
        assert len(ran.operators) == 1  # whoever counts operators sees it
    with Ran() as ran, ShapesAtOnce(activations=True):
        for layer in (nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.Hardswish(), nn.Hardsigmoid()):
            assert layer(given).shape == given.shape
    assert ran.operators == []


class Ran(torch.utils._python_dispatch.TorchDispatchMode):
    """The operators that run inside."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operators.append(str(func))
        return func(*args, **(kwargs or {}))


def test_tensors_with_values_and_training_are_left_alone() -> None:
    given, norm = torch.arange(16.0).view(2, 2, 2, 2), nn.BatchNorm2d(2)
    with ShapesAtOnce():
        weight = nn.init.constant_(torch.empty(3), 2.0)
        found = norm.eval()(given)
        trained = norm.to("meta").train()
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            trained(torch.empty(1, 2, 1, 1, device="meta"))
    assert weight.tolist() == [2.0, 2.0, 2.0]
    torch.testing.assert_close(found, given / (1 + norm.eps) ** 0.5)
