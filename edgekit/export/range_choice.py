"""Ranges of activations that suit the network, as a simulation of it on the calibration images says.

No way to take a range is best for all networks: cutting off outliers gives MobileNetV2 5 dB and takes some from
SqueezeNet. Min-max cuts nothing off on the images that it comes from, so that judging on these favours it, and nothing
else can be fitted to them: cuts that are better even so are worth it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ..types import Layer, Quantization
from .ranges import BINS, chosen_range
from .simulation import Scheme, Simulation, evenly

MOST_IMAGES = 16
"""Calibration images that give the ranges and judge them: all, as any one may hold the extremes that matter."""

WORTH_DB = 0.5
"""Min-max stays unless the other way gains more."""


class Observed(Simulation):
    """A simulation that also keeps a histogram of every float tensor that has a range."""

    def __init__(self, network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme) -> None:
        self.counts: dict[fx.Node, np.ndarray[Any, Any]] = {}
        super().__init__(network, layers, inputs, scheme)

    def chosen(self, settings: Quantization) -> dict[fx.Node, tuple[float, float]]:
        """The ranges with those of the histograms in place of smallest and largest value."""
        (scores,) = self.runner.graph.output_node().all_input_nodes
        return self.ranges | {
            node: chosen_range(settings, counts, np.linspace(*self.ranges[node], BINS + 1), len(self.inputs))
            for node, counts in self.counts.items()
            if node is not scores or settings.ranges != "outliers"
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
) -> tuple[Quantization, str]:
    """Min-max or ranges without outliers, whichever loses less at the scores.

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``, normalised.
        settings: of the artifact.
        scheme: of the artifact.
        in_float: names of the layers that stay in float.

    Returns:
        The settings with what was chosen, and the figures why, for the manifest.
    """
    observed = Observed(network, layers, evenly(inputs, MOST_IMAGES), scheme)
    quantized = frozenset(observed.layers) - in_float
    other = settings.model_copy(update={"ranges": "outliers"})
    ways = {"min-max": observed.ranges, other.ranges: observed.chosen(other)}
    inputs, scores, better = observed.inputs, observed.scores, True
    for every in (4, 1):  # a quarter of the images already tells of most networks that nothing is to be cut off
        if not better:
            break
        observed.inputs, observed.scores = inputs[::every], scores[::every]
        found = {}
        for way, observed.ranges in ways.items():
            found[way] = sqnr_db(observed.scores, observed.noise(quantized))
        better = found[other.ranges] > found["min-max"] + WORTH_DB
    best = other if better else settings.model_copy(update={"ranges": "min-max"})
    figures = ", ".join(f"{way} {db:.1f} dB" for way, db in found.items())
    return best, f"by simulated SQNR on {len(observed.inputs)} calibration images: {figures}"


def sqnr_db(scores: Tensor, noise: float) -> float:
    """Of a sum of squared errors against the scores, dB."""
    return 10 * math.log10(max(float(scores.double().square().sum()), 1e-30) / max(noise, 1e-30))
