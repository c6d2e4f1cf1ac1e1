"""Empirical bias correction: give a quantized layer the mean that it has in float.

Rounded weights shift the mean of every output channel, and the shifts add up from layer to layer. The shift is measured
on the calibration images, layer by layer, those before it already corrected, and goes into the bias (Nagel et al. 2019,
arXiv:1906.04721, section 4.2, appendix D). It is no exact rewrite: the float network of an artifact with corrected
biases is not the one that it came from, which is why the setting is a quantization's and stands in the manifest.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from ...types import Layer, Quantization
from .range_choice import with_ranges
from .simulation import Scheme, evenly

MOST_IMAGES = 32


def correct_biases(
    network: fx.GraphModule,
    layers: Sequence[Layer],
    inputs: Tensor,
    scheme: Scheme,
    settings: Quantization,
    in_float: frozenset[str],
) -> int:
    """Correct in place; returns how many layers.

    The activations are rounded over the artifact's ranges: the shift of other roundings would add one of its own. What
    lies outside stays as it is. To clip it shifts means too, but only by a few values: a bias for these would move all
    others (MobileNetV2 in ONNX: 9.3 dB in place of 20.5).

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``; at most ``MOST_IMAGES``, evenly spaced, are used.
        scheme: of the artifact.
        settings: of the artifact, its ranges chosen.
        in_float: names of the layers that stay in float.
    """
    images = evenly(inputs, MOST_IMAGES)
    simulation = with_ranges(network, layers, images, scheme, settings)
    quantized = frozenset(simulation.layers) - in_float
    runner = simulation.runner
    weights = simulation.rounded_weights(quantized)
    shifts: dict[str, Tensor] = {}
    with torch.no_grad():
        for (node, exact), (_, rounded) in zip(runner.walk(images), runner.walk(images, weights), strict=True):
            name = str(node.target)
            if runner.layer(node) is not None and name in weights:
                shifts[name] = mean_of_channels(exact[node] - rounded[node])
                rounded[node] = rounded[node] + shifts[name].reshape(1, -1, *[1] * (rounded[node].dim() - 2))
            if simulation.is_quantized(node, quantized):
                low, high = simulation.ranges[node]
                within = (rounded[node] >= min(low, 0.0)) & (rounded[node] <= max(high, 0.0))
                rounded[node] = torch.where(within, simulation.stored(node, rounded, quantized), rounded[node])
    for name, shift in shifts.items():
        network.add_submodule(name, shifted(runner.modules[name], shift))
    network.recompile()
    return len(shifts)


def mean_of_channels(values: Tensor) -> Tensor:
    """The mean of dimension 1's entries over all others."""
    return values.mean(tuple(d for d in range(values.dim()) if d != 1))


def shifted(layer: nn.Module, shift: Tensor) -> nn.Module:
    """A copy of a convolution or linear layer with another bias."""
    copied = copy.deepcopy(layer)
    assert isinstance(copied, (nn.Conv2d, nn.Linear))
    before = torch.zeros_like(shift) if copied.bias is None else copied.bias.detach()
    copied.bias = nn.Parameter(before + shift, requires_grad=False)
    return copied
