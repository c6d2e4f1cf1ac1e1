"""Choose the ranges of activations that suit the network, by simulating it on the calibration images.

No way to choose ranges is best for all networks: cutting off outliers gains 5 dB for MobileNetV2 and loses some for
SqueezeNet. MobileNetV2 wants eight values an image cut off, a trained MobileNetV3 fewer. Min-max cuts nothing off on
the images that it comes from, so that judging on these favours it: cuts that are better even so are worth it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...types import Layer, Quantization
from .extremes import InnerRange
from .ranges import OUTLIERS, values_cut
from .simulation import Scheme, Simulation, evenly

if TYPE_CHECKING:
    from torch import Tensor, fx

MOST_IMAGES = 16
"""Calibration images that give the ranges and judge them: all of them, since each may hold the extremes that matter."""

DOUBT_DB = 0.5
"""If min-max is better by more than this on a quarter of the images, it is chosen without looking at the rest."""


class Observed(Simulation):
    """A simulation that also knows other ranges than those from the smallest value to the largest.

    Attributes:
        narrowed: for each of the ``ways``, the ranges as these settings take them.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        layers: Sequence[Layer],
        inputs: Tensor,
        scheme: Scheme,
        ways: Sequence[Quantization],
    ) -> None:
        self.narrowed: list[tuple[Quantization, dict[fx.Node, tuple[float, float]]]] = [(way, {}) for way in ways]
        super().__init__(network, layers, inputs, scheme)
        (scores,) = self.runner.graph.output_node().all_input_nodes
        for way, ranges in self.narrowed:
            if way.ranges == "outliers":
                ranges[scores] = self.ranges[scores]

    def _observe(self, node: fx.Node, made: Any) -> None:
        super()._observe(node, made)
        for way, ranges in self.narrowed if node in self.ranges else ():
            inner = InnerRange(values_cut(way, made.numel(), len(self.inputs)))
            inner.add(made)
            ranges[node] = inner.ends


def with_ranges(
    network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme, settings: Quantization
) -> Simulation:
    """A simulation with the ranges that ``settings.ranges`` takes over the inputs; ``auto`` and ``mse`` are min-max."""
    observed = Observed(network, layers, inputs, scheme, (settings,))
    ((_, observed.ranges),) = observed.narrowed
    return observed


def choose_ranges(
    network: fx.GraphModule,
    layers: Sequence[Layer],
    inputs: Tensor,
    settings: Quantization,
    scheme: Scheme,
    in_float: frozenset[str],
) -> tuple[Quantization, str]:
    """Min-max or ranges without some outliers, whichever loses less at the scores.

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
    whole = settings.model_copy(update={"ranges": "min-max"})
    others = [settings.model_copy(update={"ranges": "outliers", "outliers": count}) for count in OUTLIERS]
    observed = Observed(network, layers, evenly(inputs, MOST_IMAGES), scheme, others)
    quantized = frozenset(observed.layers) - in_float
    ways = [(whole, observed.ranges), *observed.narrowed]
    inputs, scores = observed.inputs, observed.scores
    for every in (4, 1):  # for most networks a quarter of the images already shows that cutting off outliers does harm
        observed.inputs, observed.scores = inputs[::every], scores[::every]
        found = []
        for way, observed.ranges in ways:
            found.append((sqnr_db(observed.scores, observed.noise(quantized)), way))
        (least, _), *cut = found
        if max(db for db, _ in cut) < least - DOUBT_DB:
            break
    _, best = max(found, key=lambda one: one[0])
    figures = ", ".join(f"{name_of(way)} {db:.1f} dB" for db, way in found)
    return best, f"by simulated SQNR on {len(observed.inputs)} calibration images: {figures}"


def name_of(way: Quantization) -> str:
    """The ranges of settings, in words."""
    return f"{way.outliers} outliers" if way.ranges == "outliers" else way.ranges


def sqnr_db(scores: Tensor, noise: float) -> float:
    """Of a sum of squared errors against the scores, dB."""
    return 10 * math.log10(max(float(scores.double().square().sum()), 1e-30) / max(noise, 1e-30))
