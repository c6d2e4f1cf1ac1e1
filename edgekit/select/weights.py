"""How much a guideline weighs on a device: what its micro-benchmarks say of a layer that breaks it."""

from __future__ import annotations

from collections.abc import Mapping

from ..types import ConvFacts
from ..types.calibrations import Calibration, ProbeCost
from .findings import Finding
from .guidelines import ratio


def weight(finding: Finding, convolutions: Mapping[str, ConvFacts], calibration: Calibration) -> float | None:
    """How much longer a multiply-accumulate takes on the device than in a layer that keeps the guideline.

    Of G1 by the ratio of widths and of G2 by the groups, between the degrees that were tried. None of G3 and G4, whose
    findings are no layers like those that were tried; their micro-benchmarks stand beside the totals.

    Args:
        finding: of a layer.
        convolutions: of the network, by path.
        calibration: of the device.
    """
    conv = convolutions.get(finding.layer)
    if conv is None or finding.guideline not in ("G1", "G2"):
        return None
    return calibration.factor(finding.guideline, ratio(conv) if finding.guideline == "G1" else conv.groups)


def told(one: ProbeCost) -> str:
    """A micro-benchmark's factor; with its interval where that does not tell it apart from 1."""
    unsure = "" if one.proven else f" (not proven: {one.low:.2f} to {one.high:.2f})"
    return f"{one.says} {one.ratio:.2f}x{unsure}"


def weights_told(calibration: Calibration) -> list[str]:
    """A line a guideline: what breaking it costs on the device."""
    words = {
        "G1": "uneven widths",
        "G2": "groups",
        "G3": "fragments",
        "G4": "element-wise operations",
    }
    lines = []
    for guideline, about in words.items():
        tried = [one for one in calibration.probes if one.guideline == guideline]
        kept, broken = tried[0], tried[1:]
        said = ", ".join(told(one) for one in broken)
        lines.append(f"{guideline} here, {about}: {said}; 1x is {kept.says}")
    return lines
