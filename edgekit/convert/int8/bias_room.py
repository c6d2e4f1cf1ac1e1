"""Make biases fit into int8's sums in channels with almost zero weights.

A bias is stored as a whole number of (step of the input) x (step of the channel's weights), in 32 bits. Where training
has left a channel nearly no weights and a bias, as in gates that are always open, that number overflows and the channel
is wrong altogether. Its largest weight is raised until the bias fits in: by so little that the result moves by less
than a ten-thousandth of the bias.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from ...types import Layer
from .simulation import Runner, evenly, weighted_layers
from .weight_range import STEPS

MOST_IMAGES = 16

LARGEST = 2.0**29
"""The largest stored bias: two bits are left for the sum that it is added to, and for a range that is narrower."""


def make_room(network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, in_float: frozenset[str]) -> int:
    """Raise weights in place; returns in how many channels.

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``, normalised; at most ``MOST_IMAGES``, evenly spaced, are used.
        in_float: names of the layers that stay in float.
    """
    wanted = {layer.name for layer in weighted_layers(layers)} - in_float
    runner = Runner(network)
    raised: dict[str, nn.Module] = {}
    count = 0
    with torch.no_grad():
        for node, values in runner.walk(evenly(inputs, MOST_IMAGES)):
            layer = runner.weighted(node)
            if layer is None or layer.bias is None or str(node.target) not in wanted:
                continue
            low, high = values[node.all_input_nodes[0]].aminmax()
            weight = raised_weight(layer.weight.detach(), layer.bias.detach(), step_of(float(low), float(high)))
            changed = int((weight != layer.weight).flatten(1).any(1).sum())
            if changed:
                copied = copy.deepcopy(layer)
                copied.weight.copy_(weight)
                raised[str(node.target)] = copied
                count += changed
    for name, module in raised.items():
        network.add_submodule(name, module)
    network.recompile()
    return count


def step_of(low: float, high: float) -> float:
    """The step of a tensor that is quantized over a range, which is widened to hold zero."""
    return (max(high, 0.0) - min(low, 0.0)) / 255


def raised_weight(weight: Tensor, bias: Tensor, step: float) -> Tensor:
    """The weight, ``(out, ...)``, with the largest of a channel raised to what its bias asks for.

    Args:
        weight: of a convolution or linear layer.
        bias: ``(out,)``.
        step: of the quantized input.
    """
    flat = weight.flatten(1).clone()
    if step <= 0:
        return weight
    least = bias.abs() * STEPS / (step * LARGEST)
    largest, place = flat.abs().max(1)
    rows = (largest < least).nonzero()[:, 0]
    sign = torch.where(flat[rows, place[rows]] < 0, -1.0, 1.0)
    flat[rows, place[rows]] = sign * least[rows]
    return flat.reshape(weight.shape)
