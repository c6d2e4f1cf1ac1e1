"""Ranges of activations that suit the network, as a simulation of it on the calibration images says.

No way to take a range is best for all networks: a percentile gives MobileNetV2 3 dB and takes 5 dB from SqueezeNet.
Min-max cuts nothing off on the images that it comes from, so that judging on these favours it, and nothing else can be
fitted to them: a percentile that is better even so is worth its cuts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, fx

from ..types import Layer, Quantization
from .ranges import BINS, percentile_range
from .simulation import Scheme, Simulation, evenly

Ranges = Literal["min-max", "percentile"]

MOST_IMAGES = 16
"""Calibration images that give the ranges and judge them: all, as any one may hold the extremes that matter."""

WORTH_DB = 0.5
"""Min-max stays unless the percentile gains more."""


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
) -> tuple[Ranges, str]:
    """Min-max or the percentile of ``settings``, whichever loses less at the scores.

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``, normalised.
        settings: of the artifact.
        scheme: of the artifact.
        in_float: names of the layers that stay in float.

    Returns:
        What was chosen, and the figures why, for the manifest.
    """
    observed = Observed(network, layers, evenly(inputs, MOST_IMAGES), scheme)
    quantized = frozenset(observed.layers) - in_float
    ways: dict[Ranges, dict[fx.Node, tuple[float, float]]] = {
        "min-max": observed.ranges,
        "percentile": observed.percentiles(settings.percentile),
    }
    found: dict[Ranges, float] = {}
    for way, ranges in ways.items():
        observed.ranges = ranges
        found[way] = sqnr_db(observed.scores, observed.noise(quantized))
    best: Ranges = "percentile" if found["percentile"] > found["min-max"] + WORTH_DB else "min-max"
    figures = ", ".join(f"{way} {db:.1f} dB" for way, db in found.items())
    return best, f"by simulated SQNR on {len(observed.inputs)} calibration images: {figures}"


def sqnr_db(scores: Tensor, noise: float) -> float:
    """Of a sum of squared errors against the scores, dB."""
    return 10 * math.log10(max(float(scores.double().square().sum()), 1e-30) / max(noise, 1e-30))
