"""What rounding one tensor does to a network's outputs, and how a file's tensors are found among the network's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.convert.int8 import tensor_effect
from edgekit.convert.int8.simulation import quantized_values
from edgekit.convert.int8.tensor_effect import Effect, spread, tensor_effects, touched
from edgekit.convert.int8.tensor_noise import Observed

INPUTS = torch.rand(6, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Branches(nn.Module):
    """One branch counts a thousand times as much as the other, which loses as much by itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.loud, self.quiet = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loud, quiet = torch.tanh(self.loud(image)), torch.tanh(self.quiet(image))
        return loud + quiet / 1000, image.argmax(1)


@pytest.fixture(scope="module")
def program() -> torch.export.ExportedProgram:
    return torch.export.export(Branches().eval(), (INPUTS[0],), strict=False)


@pytest.fixture(scope="module")
def effects(program) -> list[Effect]:
    return tensor_effects(program, [INPUTS])


def held(values: torch.Tensor, axis: int = 1) -> Observed:
    found = Observed(axis=axis)
    for one in values:
        found.add(one.numpy())
    return found


def test_the_effect_is_that_of_a_run_with_the_tensor_rounded(effects) -> None:
    network = Branches().eval()
    with torch.no_grad():
        made = [network.loud(one) for one in INPUTS]
        low, high = min(float(one.min()) for one in made), max(float(one.max()) for one in made)
        shares = []
        for number in np.linspace(0, len(INPUTS) - 1, tensor_effect.SETS).astype(int):
            exact = network(INPUTS[number])[0]
            rounded = torch.tanh(quantized_values(made[number], low, high, symmetric=False))
            other = rounded + torch.tanh(network.quiet(INPUTS[number])) / 1000
            shares.append(float((other - exact).double().square().sum() / exact.double().square().sum()))
    (found,) = [one for one in effects if tensor_effect.same(one.held, held(torch.stack(made)))]
    assert found.noise == pytest.approx(np.mean(shares), rel=1e-3)
    assert found.path == "loud"


def test_what_counts_little_has_little_effect(effects) -> None:
    loud, quiet = (max(one.noise for one in effects if one.path == name) for name in ("loud", "quiet"))
    assert quiet < loud / 1e5


def test_a_network_that_is_too_large_for_all(program, effects, monkeypatch) -> None:
    """The tensors that lose the most by themselves had their turn."""
    monkeypatch.setattr(tensor_effect, "OPERATIONS", 1.0)
    (only,) = tensor_effects(program, [INPUTS])
    assert only.held.noise == max(one.held.noise for one in effects)


def test_tensors_are_found_by_their_values_in_any_layout() -> None:
    values = torch.rand(3, 1, 4, 5, 5)
    effect = Effect(held(values), 0.5, "block.conv")
    moved = held(values.permute(0, 1, 3, 4, 2), axis=-1)
    other = held(values + 0.01)
    found = touched(
        {1: moved, 2: other, 3: held(values)},
        {1: {"conv"}, 2: {"other"}, 3: {"transpose"}},
        [effect],
        lambda key: f"tensor {key}",
    )
    by_name = {one.name: one for one in found}
    assert by_name["block.conv"].operators == {"conv", "transpose"}
    assert by_name["block.conv"].noise == 0.5
    assert by_name["tensor 2"].noise == pytest.approx(other.noise)


def test_an_unknown_tensor_has_the_gain_of_those_around_it() -> None:
    operators = {name: frozenset(ops) for name, ops in
                 {"a": "xy", "b": "yz", "c": "zw", "d": "v", "e": "x"}.items()}  # fmt: skip
    assert spread({"a": 8.0, "e": 2.0}, operators) == {"b": 8.0, "c": 8.0}


def test_without_effects_each_counts_by_what_it_loses() -> None:
    one = held(torch.rand(3, 1, 4, 5, 5))
    (found,) = touched({"t": one}, {"t": {"op"}}, [], str)
    assert (found.noise, found.name) == (one.noise, "t")
