"""The guidelines layer by layer."""

import pytest

from edgekit.select.findings import find_layers
from edgekit.select.guidelines import least_access
from edgekit.types import ConvFacts, ElementFacts, NetworkFacts


def conv(name: str, c1: int, c2: int, groups: int = 1, kernel: int = 1, positions: int = 196) -> ConvFacts:
    per_output = c1 // groups * kernel**2
    return ConvFacts(
        name=name, in_channels=c1, out_channels=c2, kernel=kernel, groups=groups, stride=1, positions=positions,
        macs=positions * c2 * per_output, memory_access=positions * (c1 + c2) + c2 * per_output,
    )  # fmt: skip


def found_in(*convolutions: ConvFacts, elements: tuple[ElementFacts, ...] = ()):
    total = {one.kind: one.elements for one in elements}
    return find_layers(NetworkFacts(convolutions=convolutions, element_wise=total, element_layers=elements))


def test_g1_spares_what_is_above_the_bound():
    even, narrow = conv("even", 64, 64), conv("narrow", 16, 256)
    (one,) = found_in(even, narrow)
    assert (one.guideline, one.layer) == ("G1", "narrow")
    assert one.spare == round(narrow.memory_access - least_access(narrow))
    assert one.share == pytest.approx(one.spare / (even.memory_access + narrow.memory_access))
    assert one.fact.endswith("which 64 to 64 reach")


def test_g2_spares_what_one_group_of_as_many_macs_would():
    four = conv("four", 64, 64, groups=4)
    (one,) = found_in(four, conv("dw", 64, 64, groups=64, kernel=3))
    dense = conv("dense", 32, 32)
    assert dense.macs == four.macs
    assert one.spare == four.memory_access - dense.memory_access
    assert (one.guideline, one.layer) == ("G2", "four")
    assert "densify" in one.change


def test_g3_tells_squeeze_excite_from_other_small_layers():
    found = found_in(conv("large", 256, 256), conv("gate", 8, 8, positions=1), conv("small", 2, 2))
    assert [(one.guideline, one.layer) for one in found] == [("G3", "gate"), ("G3", "small")]
    assert "squeeze-excite" in found[0].change
    assert "squeeze-excite" not in found[1].change


def test_g4_leaves_out_what_is_fused_and_the_largest_come_first():
    kinds = (("ReLU", 9_000), ("add", 100), ("multiply", 5_000))
    elements = tuple(ElementFacts(layer=kind, kind=kind, elements=count) for kind, count in kinds)
    found = found_in(conv("even", 64, 64), elements=elements)
    assert [one.layer for one in found] == ["multiply", "add"]
    assert sum(one.spare for one in found) == 5_100
