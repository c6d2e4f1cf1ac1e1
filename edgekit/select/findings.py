"""ShuffleNet V2's guidelines layer by layer: what is seen, how much less could move, and what to change.

Sizes are the paper's memory access cost, in elements (arXiv:1807.11164, section 2); what following a guideline could
spare is at equal multiply-accumulates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..types import ConvFacts, ElementFacts, NetworkFacts
from .guidelines import SMALL_SHARE, UNEVEN, least_access, ratio, short_count

Guideline = Literal["G1", "G2", "G3", "G4"]
FUSED = ("ReLU", "ReLU6")
"""Activations that every runtime computes within the convolution in front."""
TRAIN = "train again"
INSTEAD = {
    "add": f"a unit that concatenates the halves of its channels needs no addition ({TRAIN})",
    "multiply": f"squeeze-excite: leave it out where the accuracy allows it ({TRAIN})",
    "hard-swish": f"exact: absorb_hard_swish_sixth spares a product; a ReLU is fused ({TRAIN})",
    "hard-sigmoid": "exact: absorb_hard_sigmoid_sixth spares a product",
    "sigmoid": f"a hard-sigmoid costs less ({TRAIN})",
    "SiLU": f"a hard-swish costs less, a ReLU is fused ({TRAIN})",
}


@dataclass(frozen=True)
class Finding:
    """The finding of a guideline about a layer.

    Attributes:
        layer: path of its module.
        fact: what was seen.
        spare: elements that following it could spare; 0 where it is about starting layers.
        share: ``spare`` of all that the network moves.
        change: the exact rewrite, or the change of the architecture.
    """

    guideline: Guideline
    layer: str
    fact: str
    spare: int
    share: float
    change: str


def find_layers(facts: NetworkFacts) -> list[Finding]:
    """Every layer that a guideline has something to say of, what could be spared first."""
    convolutions = facts.convolutions
    found = [
        *(uneven(conv, facts.moved) for conv in convolutions if is_uneven(conv)),
        *(grouped(conv, facts.moved) for conv in convolutions if conv.groups > 1 and not conv.depthwise),
        *fragments(convolutions),
        *(element(one, facts.moved) for one in facts.element_layers if one.kind not in FUSED),
    ]
    return sorted(found, key=lambda one: (-one.share, one.guideline, one.layer))


def is_uneven(conv: ConvFacts) -> bool:
    """True for what G1 speaks of: a 1x1 convolution whose sides differ by the factor from which it matters."""
    return conv.kernel == 1 and conv.stride == 1 and conv.positions > 1 and ratio(conv) >= UNEVEN


def uneven(conv: ConvFacts, moved: int) -> Finding:
    """G1: how far a 1x1 convolution is above the bound of equal widths."""
    bound = least_access(conv)
    spare = round(conv.memory_access - bound)
    even = round(math.sqrt(conv.in_channels * conv.out_channels))
    widths = f"{conv.in_channels} to {conv.out_channels} channels"
    fact = f"{widths}, {conv.memory_access / bound:.2f}x the bound, which {even} to {even} reach"
    return Finding("G1", conv.name, fact, spare, spare / moved, f"even widths compute as much ({TRAIN})")


def grouped(conv: ConvFacts, moved: int) -> Finding:
    """G2: what one group of as many multiply-accumulates, on narrower maps, would spare."""
    narrower = 1 / math.sqrt(conv.groups)
    maps = conv.positions * (conv.in_channels * conv.stride**2 + conv.out_channels)
    spare = round(maps * (1 - narrower))
    fact = f"{conv.groups} groups of {conv.in_channels // conv.groups} to {conv.out_channels // conv.groups} channels"
    change = f"one group of {narrower:.2f}x the channels computes as much ({TRAIN}); exact: densify_* (edgekit tune)"
    return Finding("G2", conv.name, fact, spare, spare / moved, change)


def fragments(convolutions: Sequence[ConvFacts]) -> list[Finding]:
    """G3: convolutions with so little to compute that starting them weighs."""
    total = sum(conv.macs for conv in convolutions)
    return [
        Finding("G3", conv.name, f"{conv.macs / total:.2%} of the multiply-accumulates", 0, 0.0, merge(conv))
        for conv in convolutions
        if conv.macs < SMALL_SHARE * total
    ]


def merge(conv: ConvFacts) -> str:
    """Advice for a small convolution."""
    if conv.positions == 1:
        return f"squeeze-excite: leave it out where the accuracy allows it ({TRAIN})"
    return f"fewer and larger layers compute as much ({TRAIN})"


def element(one: ElementFacts, moved: int) -> Finding:
    """G4: an element-wise operation that is seldom fused."""
    return Finding(
        "G4",
        one.layer,
        f"{one.kind} moves {short_count(one.elements)} elements",
        one.elements,
        one.elements / moved,
        INSTEAD[one.kind],
    )
