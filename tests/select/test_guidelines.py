"""G1 to G4 on small made-up networks, and the facts they rest on."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgekit.select.guidelines import advise, least_access, short_count
from edgekit.types import ConvFacts, NetworkFacts
from edgekit.zoo.facts import network_facts


def pointwise(c1: int, c2: int, groups: int = 1, positions: int = 196) -> ConvFacts:
    access = positions * (c1 + c2) + c1 * c2 // groups
    return ConvFacts(
        name=f"{c1}-{c2}", in_channels=c1, out_channels=c2, kernel=1, groups=groups, stride=1, positions=positions,
        macs=positions * c1 * c2 // groups, memory_access=access,
    )  # fmt: skip


def texts(*convolutions: ConvFacts, **element_wise: int) -> list[str]:
    return [one.text for one in advise(NetworkFacts(convolutions=convolutions, element_wise=element_wise))]


@given(st.integers(1, 512), st.integers(1, 512), st.integers(1, 4096))
def test_the_bound_of_g1_is_the_papers_and_reached_by_equal_widths(c1: int, c2: int, positions: int):
    conv = pointwise(c1, c2, positions=positions)
    macs = conv.macs
    assert least_access(conv) == pytest.approx(2 * math.sqrt(positions * macs) + macs / positions)
    assert least_access(conv) <= conv.memory_access * (1 + 1e-9)
    equal = pointwise(c1, c1, positions=positions)
    assert least_access(equal) == pytest.approx(equal.memory_access)


def test_g1_names_the_worst():
    assert "all 2 1x1 convolutions are nearly as wide" in texts(pointwise(64, 64), pointwise(64, 96))[0]
    found = texts(pointwise(64, 64), pointwise(16, 256), pointwise(64, 128))[0]
    assert found.startswith("2 of 3")
    assert "most at 16-256 (16 to 256)" in found


def test_g2_tells_groups_from_depthwise():
    depthwise = ConvFacts(
        name="dw", in_channels=8, out_channels=8, kernel=3, groups=8, stride=1, positions=4, macs=288, memory_access=136
    )
    assert "no group convolution" in texts(pointwise(8, 8), depthwise)[1]
    assert "1 group convolutions, up to 4 groups (8-8)" in texts(pointwise(8, 8, groups=4), depthwise)[1]


def test_g3_counts_fragments():
    assert "0 of them" in texts(pointwise(64, 64))[2]
    assert "2 of them" in texts(pointwise(256, 256), pointwise(4, 4), pointwise(4, 4))[2]


@pytest.mark.parametrize(
    ("value", "said"),
    [(5_259_744, "5.26 M"), (18_432, "18.4 k"), (540, "540"), (999_900, "1 M"), (999.9, "1 k"), (0.4, "0.4")],
)
def test_counts_of_small_networks_are_no_zeros(value: float, said: str):
    assert short_count(value) == said


def test_g4_is_a_share_of_what_is_moved():
    conv = pointwise(8, 8)
    assert texts(conv)[3] == "no element-wise operation"
    assert texts(conv, add=conv.memory_access)[3].startswith("50% of all elements moved")


class Residual(nn.Module):
    """A block with everything that is counted, and a BN that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(8, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.spread = nn.Conv2d(4, 8, 3, padding=1, groups=2)

    def forward(self, x):
        return x + self.spread(torch.relu(self.norm(self.reduce(x))))


def test_the_facts_of_a_block():
    with torch.device("meta"):
        network = Residual().eval()
    facts = network_facts(network, (1, 8, 5, 5))
    reduce, spread = facts.convolutions
    assert (reduce.name, reduce.macs, reduce.memory_access) == ("reduce", 25 * 32, 200 + 100 + 32)
    assert (spread.groups, spread.kernel, spread.macs) == (2, 3, 25 * 8 * 2 * 9)
    assert facts.element_wise == {"ReLU": 2 * 100, "add": 3 * 200}
    assert not any(module._forward_hooks for module in network.modules())
