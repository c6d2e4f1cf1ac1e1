"""Ranges of activations that suit the network, as a simulation of it on the calibration images says.

No way to take a range is best for all networks: a percentile gives MobileNetV2 3 dB and takes 5 dB from SqueezeNet.
Min-max cuts nothing off on the images that it comes from, so that judging on these favours it, and nothing else can be
fitted to them: a percentile that is better even so is worth its cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, fx

from ..types import Layer, Quantization
from .ranges import BINS, percentile_range
from .simulation import Scheme, Simulation, evenly

Ranges = Literal["min-max", "percentile"]

MOST_IMAGES = 16
JUDGES = 8
WORTH_DB = 0.5
"""Min-max stays unless the percentile gains more."""


@dataclass(frozen=True)
class RangeChoice:
    """What was chosen, and why.

    Attributes:
        ranges: the way to take the ranges.
        reason: the figures, for the manifest.
    """

    ranges: Ranges
    reason: str


class Observed(Simulation):
    """A simulation that also keeps a histogram of every float tensor that has a range."""

    def __init__(self, network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme) -> None:
        self.counts: dict[fx.Node, np.ndarray[Any, Any]] = {}
        super().__init__(network, layers, inputs, scheme)

    def percentiles(self, percentile: float) -> dict[fx.Node, tuple[float, float]]:
        """The ranges with those of the histograms in place of smallest and largest value."""
        return self.ranges | {
            node: percentile_range(counts, np.linspace(*self.ranges[node], BINS + 1), percentile)
            for node, counts in self.counts.items()
        }

    def _observe(self, node: fx.Node, made: Any) -> None:
        super()._observe(node, made)
        low, high = self.ranges.get(node, (0.0, 0.0))
        if low < high:
            self.counts[node] = torch.histc(made.float(), BINS, low, high).numpy()


def choose_ranges(
    network: fx.GraphModule,
    layers: Sequence[Layer],
    inputs: Tensor,
    settings: Quantization,
    scheme: Scheme,
    in_float: frozenset[str],
) -> RangeChoice:
    """Min-max or the percentile of ``settings``, whichever loses less at the scores.

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``; at most ``MOST_IMAGES``, evenly spaced, give the ranges, and at
            most ``JUDGES`` of these judge them.
        settings: of the artifact.
        scheme: of the artifact.
        in_float: names of the layers that stay in float.
    """
    observed = Observed(network, layers, evenly(inputs, MOST_IMAGES), scheme)
    quantized = frozenset(observed.layers) - in_float
    ways: dict[Ranges, dict[fx.Node, tuple[float, float]]] = {
        "min-max": observed.ranges,
        "percentile": observed.percentiles(settings.percentile),
    }
    chosen = torch.linspace(0, len(observed.inputs) - 1, min(JUDGES, len(observed.inputs))).long()
    observed.inputs, observed.scores = observed.inputs[chosen], observed.scores[chosen]
    signal = float(observed.scores.double().square().sum())
    found: dict[Ranges, float] = {}
    for way, ranges in ways.items():
        observed.ranges = ranges
        noise = observed.noise(quantized)
        found[way] = 10 * float(np.log10(max(signal, 1e-30) / max(noise, 1e-30)))
    best: Ranges = "percentile" if found["percentile"] > found["min-max"] + WORTH_DB else "min-max"
    figures = ", ".join(f"{way} {db:.1f} dB" for way, db in found.items())
    return RangeChoice(best, f"by simulated SQNR on {len(chosen)} calibration images: {figures}")
