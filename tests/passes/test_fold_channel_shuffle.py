"""Folding shuffles into convolutions: exact, complete where it should be, and silent where it must not act."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card
from edgekit.passes.channel_flow import Permutation
from edgekit.passes.pipeline import apply_rewrites
from edgekit.zoo.permutation import ChannelShuffle
from edgekit.zoo.registry import create

REWRITES = ["hoist_batch_norm", "fold_batch_norm", "fold_channel_shuffle"]


def shuffles_in(module: nn.Module) -> int:
    return sum(isinstance(m, Permutation) for m in module.modules())


def lively(network: nn.Module) -> nn.Module:
    """BN statistics and weights that hide no error, in float64."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.5, 0.5),
            ):
                tensor.uniform_(low, high, generator=generator)
    return network.double().eval()


def assert_equal(network: nn.Module, shape: tuple[int, ...], shuffles_left: int) -> nn.Module:
    sample = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rewritten, _ = apply_rewrites(network, REWRITES, sample)
    with torch.no_grad():
        expected, seen = network(sample), rewritten(sample)
    assert torch.allclose(seen, expected, rtol=1e-11, atol=1e-12)
    assert shuffles_in(rewritten) == shuffles_left
    return rewritten


@pytest.mark.parametrize(
    "model", ["shufflenet_v2_0.5", "shufflenet_v2_1.0", "igcv3_d_0.25_imagenet", "shufflenet_v1_g1_0.5"]
)
def test_no_shuffle_is_left(model: str) -> None:
    network = lively(create(find_card(model)))
    assert shuffles_in(network) > 0
    assert_equal(network, (1, 3, 64, 64), shuffles_left=0)


@pytest.mark.parametrize("model", ["shufflenet_v1_g3_0.5", "igcv1_cifar10_l24m2_d20_plain", "condensenet_cifar10_50"])
def test_a_shuffle_before_a_group_convolution_is_left_alone(model: str) -> None:
    network = lively(create(find_card(model)))
    before = sorted(m.groups for m in network.modules() if isinstance(m, nn.Conv2d))
    rewritten = assert_equal(network, (1, 3, 32, 32), shuffles_left=shuffles_in(network))
    after = sorted(m.groups for m in rewritten.modules() if isinstance(m, nn.Conv2d))
    assert after == before, "nothing may be densified"


class Units(nn.Module):
    """ShuffleNetV2-like units of any widths behind a stem, read by a dense convolution."""

    def __init__(self, half: int, units: int, depthwise: bool, groups: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 2 * half, 3, padding=1), nn.ReLU())
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(half, half, 1),
                nn.ReLU(),
                *([nn.Conv2d(half, half, 3, padding=1, groups=half)] if depthwise else []),
                nn.Conv2d(half, half, 1),
                nn.ReLU6(),
            )
            for _ in range(units)
        )
        self.shuffle = ChannelShuffle(groups)
        self.head = nn.Conv2d(2 * half, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for branch in self.branches:
            left, right = x.chunk(2, 1)
            x = self.shuffle(torch.cat([left, branch(right)], 1))
        head: Tensor = self.head(x)
        return head


@settings(max_examples=40, deadline=None)
@given(half=st.integers(1, 9), units=st.integers(1, 5), depthwise=st.booleans(), data=st.data())
def test_any_chain_of_units_folds_exactly(half: int, units: int, depthwise: bool, data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from([g for g in range(1, 2 * half + 1) if 2 * half % g == 0]))
    torch.manual_seed(half * 31 + units)
    assert_equal(Units(half, units, depthwise, groups).double().eval(), (1, 3, 5, 5), shuffles_left=0)


class Residual(nn.Module):
    """A shuffle whose result is added to something: the sum needs the network's own order."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.a(x)) + self.b(x)


def test_a_shuffle_before_an_addition_is_left_alone() -> None:
    assert_equal(Residual().double().eval(), (1, 3, 4, 4), shuffles_left=1)


class TwoReaders(nn.Module):
    """One shuffled tensor, read by a convolution and by the output itself."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1)
        self.shuffle = ChannelShuffle(4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shuffled = self.shuffle(self.a(x))
        return self.b(shuffled), shuffled


def test_an_output_keeps_its_order() -> None:
    network = TwoReaders().double().eval()
    sample = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    rewritten, _ = apply_rewrites(network, REWRITES, sample)
    for expected, seen in zip(network(sample), rewritten(sample), strict=True):
        assert torch.allclose(seen, expected, atol=1e-12)


def test_the_source_network_is_not_touched() -> None:
    network = lively(create(find_card("shufflenet_v2_0.5")))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    apply_rewrites(network, REWRITES, torch.zeros(1, 3, 64, 64, dtype=torch.float64))
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items())
