"""ShuffleNet V2's four guidelines for networks that are fast and not only small in MACs (arXiv:1807.11164, section 2).

MAC is the paper's memory access cost here, in elements; multiply-accumulates are written out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..types import ConvFacts, NetworkFacts

UNEVEN = 2.0
"""Ratio of channel widths from which a 1x1 convolution is called uneven; the paper measured 1:2, 1:6 and 1:12."""
SMALL_SHARE = 0.002
"""A convolution with less of the multiply-accumulates is a fragment: starting it costs about as much as its work."""


@dataclass(frozen=True)
class Advice:
    """The finding of a guideline about a network. ``cost`` is the share that following it could save, if known."""

    guideline: str
    text: str
    cost: float | None = None


def advise(facts: NetworkFacts) -> list[Advice]:
    """G1 to G4, in order; each says what was seen, also when there is nothing to gain."""
    return [g1(facts.convolutions), g2(facts.convolutions), g3(facts.convolutions), g4(facts)]


def least_access(conv: ConvFacts) -> float:
    """The bound of G1: ``2 sqrt(hw B) + B / hw`` elements for ``B = hw c1 c2 / g`` multiply-accumulates.

    Equation 2 with groups: ``hw (c1 + c2) + c1 c2 / g`` is least, at a given B, for equal widths.
    """
    product = conv.in_channels * conv.out_channels
    return 2 * conv.positions * math.sqrt(product) + product / conv.groups


def g1(convolutions: Sequence[ConvFacts]) -> Advice:
    """Equal channel width minimises memory access cost."""
    pointwise = [conv for conv in convolutions if conv.kernel == 1 and conv.stride == 1]
    name = "G1, equal channel widths"
    if not pointwise:
        return Advice(name, "no 1x1 convolution")
    uneven = [conv for conv in pointwise if ratio(conv) >= UNEVEN]
    total = sum(conv.memory_access for conv in convolutions)
    spare = sum(conv.memory_access - least_access(conv) for conv in pointwise) / total
    if not uneven:
        return Advice(name, f"all {len(pointwise)} 1x1 convolutions are nearly as wide in as out", spare)
    worst = max(uneven, key=lambda conv: conv.memory_access - least_access(conv))
    return Advice(
        name,
        f"{len(uneven)} of {len(pointwise)} 1x1 convolutions change the width by {UNEVEN:g} or more; equal widths of "
        f"the same multiply-accumulates would move {spare:.0%} less; most at {worst.name} "
        f"({worst.in_channels} to {worst.out_channels})",
        spare,
    )


def ratio(conv: ConvFacts) -> float:
    """The wider side over the narrower."""
    return max(conv.in_channels, conv.out_channels) / min(conv.in_channels, conv.out_channels)


def g2(convolutions: Sequence[ConvFacts]) -> Advice:
    """Excessive group convolution increases memory access cost."""
    name = "G2, few groups"
    grouped = [conv for conv in convolutions if conv.groups > 1 and not conv.depthwise]
    if not grouped:
        return Advice(name, "no group convolution but depthwise ones")
    access, macs = (sum(getattr(c, what) for c in convolutions) for what in ("memory_access", "macs"))
    share_access = sum(conv.memory_access for conv in grouped) / access
    share_macs = sum(conv.macs for conv in grouped) / macs
    most = max(grouped, key=lambda conv: conv.groups)
    return Advice(
        name,
        f"{len(grouped)} group convolutions, up to {most.groups} groups ({most.name}): {share_macs:.0%} of the "
        f"multiply-accumulates and {share_access:.0%} of the memory access; fewer groups and narrower layers compute "
        "as much and move less",
    )


def g3(convolutions: Sequence[ConvFacts]) -> Advice:
    """Network fragmentation reduces the degree of parallelism."""
    total = sum(conv.macs for conv in convolutions)
    fragments = [conv for conv in convolutions if conv.macs < SMALL_SHARE * total]
    text = (
        f"{len(convolutions)} convolution{'s' * (len(convolutions) != 1)} of "
        f"{short_count(total / len(convolutions))} multiply-accumulates on average; "
        f"{len(fragments)} of them have under {SMALL_SHARE:.1%} of all"
    )
    return Advice("G3, few fragments", text + (": start-up and threads weigh on them" if fragments else ""))


def g4(facts: NetworkFacts) -> Advice:
    """Element-wise operations are not negligible."""
    name = "G4, few element-wise operations"
    moved = sum(facts.element_wise.values())
    if not moved:
        return Advice(name, "no element-wise operation")
    share = moved / (moved + sum(conv.memory_access for conv in facts.convolutions))
    order = sorted(facts.element_wise.items(), key=lambda item: -item[1])
    kinds = ", ".join(f"{kind} {short_count(elements)}" for kind, elements in order)
    return Advice(
        name,
        f"{share:.0%} of all elements moved, before a runtime fuses activations ({kinds}); additions and "
        "multiplications of tensors are seldom fused",
        share,
    )


def short_count(value: float) -> str:
    """Three digits of a count: ``5.26 M``, ``18.4 k``, ``540``."""
    for least, unit in ((1e6, " M"), (1e3, " k")):
        if value >= least * 0.9995:
            return f"{value / least:.3g}{unit}"
    return f"{value:.3g}"
