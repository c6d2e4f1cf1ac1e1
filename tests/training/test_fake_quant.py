"""Fake quantization: the rounding of int8 forward, the identity backward, and nothing of it in the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.errors import UsageError
from edgekit.training.fake_quant import Rounding, hold_ranges, observe, quantized, restore, rounded_weight


class Tiny(nn.Module):
    """Convolution, batch normalisation and activation, an addition, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        self.second, self.fc = nn.Conv2d(4, 4, 1), nn.Linear(4, 5)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        x = x + self.second(x)
        return self.fc(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Tiny().eval()


def test_what_is_fused_is_not_rounded(network: nn.Module) -> None:
    made = quantized(network)
    after = {node.args[0].name for node in made.graph.nodes if str(node.target).startswith("rounding_")}
    assert after == {"x", "act", "second", "add", "adaptive_avg_pool2d", "fc"}  # not conv, not norm


def test_weights_and_activations_lie_on_the_grid(network: nn.Module, images: torch.Tensor) -> None:
    exact = network(images)
    made = quantized(network)
    observe(made, [images])
    rounded = made(images)
    assert 0 < (rounded - exact).abs().max() < 0.1 * exact.abs().max()
    assert len(rounded.unique()) <= 256
    weight = rounded_weight(network.conv.weight)
    steps = weight.flatten(1) / (network.conv.weight.flatten(1).abs().amax(1, keepdim=True) / 127)
    assert torch.allclose(steps, steps.round(), atol=1e-3)


def test_a_batch_normalisation_may_be_folded_before_or_after(network: nn.Module) -> None:
    scale = torch.tensor([0.1, 3.0, 0.7, 20.0]).reshape(-1, 1, 1, 1)
    weight = network.conv.weight
    assert torch.allclose(rounded_weight(weight * scale), rounded_weight(weight) * scale, rtol=1e-5)


def test_gradients_reach_every_weight_and_the_state_stays_plain(network: nn.Module, images: torch.Tensor) -> None:
    names = list(network.state_dict())
    made = quantized(network)
    observe(made, [images])
    made.train()
    made(images).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())
    assert list(network.state_dict()) == names
    network.eval()
    rounded = network.conv(images)
    restore(network)
    assert not torch.equal(network.conv(images), rounded)


def test_ranges_learn_from_training_alone(network: nn.Module, images: torch.Tensor) -> None:
    made = quantized(network)
    observe(made, [images])
    ranges = [layer.activation_post_process.max_val.clone() for layer in made.modules() if isinstance(layer, Rounding)]
    hold_ranges(made, held=True)
    made(10 * images)
    again = [layer.activation_post_process.max_val for layer in made.modules() if isinstance(layer, Rounding)]
    assert ranges == again
    hold_ranges(made, held=False)
    made(10 * images)
    assert again[0] > ranges[0]
    observe(made, [images])
    assert [layer.activation_post_process.max_val for layer in made.modules() if isinstance(layer, Rounding)] == ranges


def test_code_that_cannot_be_followed_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(UsageError, match="--qat cannot follow the network's code"):
        quantized(Branching())
