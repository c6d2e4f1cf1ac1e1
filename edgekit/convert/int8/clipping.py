"""How reliable the ranges are: the loss from clipping one half of the calibration images with the ranges of the other
half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .range_choice import sqnr_db
from .simulation import Scheme, Simulation

if TYPE_CHECKING:
    from torch import Tensor, fx

    from ...types import Layer

LEAST_IMAGES = 4


def clipping_db(network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme) -> float | None:
    """Decibels that int8 loses on images that did not contribute to the ranges.

    Every second image gives the ranges, and the others are judged; once more with the ranges of all. The difference is
    what clipping costs with so few images: with twice as many it would cost less.

    Args:
        network: named (``passes.name_layers``).
        layers: those of the network, all of them in int8 here.
        inputs: calibration images, ``(N, C, H, W)``, normalised.
        scheme: how weights and activations are quantized.

    Returns:
        The loss, not below 0; None for fewer than four images.
    """
    if len(inputs) < LEAST_IMAGES:
        return None
    half, others = inputs[::2], inputs[1::2]
    known, unknown = (judged(Simulation(network, layers, given, scheme), others) for given in (inputs, half))
    return max(0.0, known - unknown)


def judged(simulation: Simulation, images: Tensor) -> float:
    """SQNR of the scores for these images, in decibels, by the ranges that the simulation has."""
    simulation.look_at(images)
    return sqnr_db(simulation.scores, simulation.noise(frozenset(simulation.layers)))
