"""Round weights so that their errors cancel in a layer's output, instead of rounding each to the nearest step.

The inputs of a layer are correlated, at the very least by their mean: an error of one weight can be made good by
others. Weight by weight, what its rounding does to the outputs is put into the weights that are not yet rounded, by the
second moments of the inputs on the calibration images (OBQ / GPTQ: Frantar et al. 2022, arXiv:2208.11580, 2210.17323).
The result lies on the quantizer's own steps, so that it rounds nothing again; what gives a channel's step
stays (``weight_grid``). It is no exact rewrite.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from ...types import Layer
from .simulation import Runner, Scheme, evenly, weighted_layers
from .weight_grid import Grid, grid_of
from .weight_range import STEPS

COMPENSATED = "rounding errors compensated"
"""How a manifest says it."""

ROWS = 2048
"""Input vectors of a layer that its second moments are taken of, at most about."""

ROWS_PER_WEIGHT = 64
"""And for each weight of an output: a depthwise filter needs few."""

MOST_IMAGES = 16

BLOCK = 32
"""Weights of a channel whose errors are passed on to the rest at once, as one product."""

DAMPING = 0.01
"""Share of the mean second moment that is added to each, so that inputs that are never seen do no harm."""


def round_weights(
    network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme, in_float: frozenset[str]
) -> int:
    """Round in place; returns how many layers.

    Args:
        network: named (``passes.name_layers``), in eval mode.
        layers: those of the network.
        inputs: calibration inputs, ``(N, C, H, W)``, normalised; at most ``MOST_IMAGES``, evenly spaced, are used.
        scheme: of the artifact: a scale per channel.
        in_float: names of the layers that are left alone: those in float.
    """
    assert scheme.per_channel
    wanted = {layer.name for layer in weighted_layers(layers)} - in_float
    runner = Runner(network)
    rounded: dict[str, nn.Module] = {}
    with torch.no_grad():
        for node, values in runner.walk(evenly(inputs, MOST_IMAGES)):
            layer = runner.weighted(node)
            if layer is not None and str(node.target) in wanted:
                copied = copy.deepcopy(layer)
                copied.weight.copy_(
                    rounded_weight(layer, values[node.all_input_nodes[0]], scheme.weight_steps, scheme.paired)
                )
                rounded[str(node.target)] = copied
    for name, module in rounded.items():
        network.add_submodule(name, module)
    network.recompile()
    return len(rounded)


def rounded_weight(layer: nn.Conv2d | nn.Linear, given: Tensor, steps: int = STEPS, paired: bool = False) -> Tensor:
    """The weight of a layer on the quantizer's steps, rounded for these inputs.

    Args:
        layer: convolution or linear layer.
        given: its inputs, ``(N, C, H, W)`` or ``(N, in)``.
        steps: the largest quantized weight.
        paired: neighbours of one sign may not add up to more.
    """
    moments = second_moments(layer, given)
    weight = layer.weight.detach().reshape(len(moments), -1, moments.shape[1])
    grid = Grid(*(part.reshape(*weight.shape[:2], -1) for part in grid_of(layer, steps, paired)))
    return compensated(weight, moments, grid).reshape(layer.weight.shape)


def second_moments(layer: nn.Conv2d | nn.Linear, given: Tensor) -> Tensor:
    """Of the vectors that a layer's weights are multiplied with, ``(groups, in, in)``, from about ``ROWS`` of them."""
    if isinstance(layer, nn.Linear):
        vectors = given.reshape(-1, given.shape[-1])
        return torch.mm(vectors.T, vectors)[None] / len(vectors)
    down, right = layer.stride
    places = max(1, given.shape[2] * given.shape[3] // (down * right))
    rows = min(ROWS, ROWS_PER_WEIGHT * layer.weight[0].numel())
    few = evenly(given, max(2, -(-2 * rows // places)))
    apart = max(1, round(sqrt(len(few) * places / rows)))  # every so many rows and columns are enough
    stride = (down * apart, right * apart)
    if layer.kernel_size == (1, 1) and layer.padding == (0, 0):  # every pixel is a vector already
        columns = few[:, :, :: stride[0], :: stride[1]]
        vectors = columns.transpose(0, 1).reshape(layer.groups, layer.in_channels // layer.groups, -1)
        return torch.bmm(vectors, vectors.transpose(1, 2)) / vectors.shape[2]
    few = functional.pad(few, layer._reversed_padding_repeated_twice)  # noqa: SLF001 - also what padding="same" means
    count = layer.weight[0].numel()
    moments = torch.zeros(layer.groups, count, count)
    for image in few:  # one by one, as their vectors are many times as large
        columns = functional.unfold(image[None], layer.kernel_size, layer.dilation, 0, stride)
        vectors = columns.reshape(layer.groups, count, -1)
        moments.baddbmm_(vectors, vectors.transpose(1, 2), alpha=1 / (len(few) * vectors.shape[2]))
    return moments


def compensated(weight: Tensor, moments: Tensor, grid: Grid) -> Tensor:
    """Rounded weights whose outputs have little error, for inputs with these second moments.

    Args:
        weight: ``(groups, out, in)``.
        moments: ``(groups, in, in)``.
        grid: that they are rounded to, ``(groups, out, in)`` too.
    """
    # The most important weights come first, while others can still compensate for them.
    order = moments.diagonal(dim1=1, dim2=2).argsort(1, descending=True)
    places = order[:, :, None].expand(-1, -1, weight.shape[1])
    spread = shares(moments, order)
    scale = grid.scale.transpose(1, 2)
    exact, low, high = (  # (groups, in, out), in steps
        part.transpose(1, 2).gather(1, places) for part in (weight / grid.scale, grid.low, grid.high)
    )
    made = torch.empty_like(exact).scatter_(1, places, rounded_in_turn(exact, spread, low, high) * scale)
    return made.transpose(1, 2)


def shares(moments: Tensor, order: Tensor) -> Tensor:
    """How the error of each input's weight is passed on to those after it, ``(groups, in, in)``, upper triangles.

    The Cholesky factor of the inverse of the damped moments, whose rows and columns are put in this order: found
    without the inverse, from the factor of the moments in reverse.
    """
    count = moments.shape[1]
    back = order.flip(1)
    reverse = moments.gather(1, back[:, :, None].expand(-1, -1, count))
    reverse = reverse.gather(2, back[:, None, :].expand(-1, count, -1)).double()
    power = reverse.diagonal(dim1=1, dim2=2)
    power += DAMPING * power.mean(1, keepdim=True).clamp(min=1e-12)
    factor: Tensor = torch.linalg.cholesky(reverse).float()
    inverse: Tensor = torch.linalg.solve_triangular(factor, torch.eye(count).expand_as(factor), upper=False)
    return inverse.flip(1, 2)


def rounded_in_turn(exact: Tensor, spread: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Whole numbers for the weights, one input after the other.

    Args:
        exact: ``(groups, in, out)``, in steps.
        spread: ``(groups, in, in)``, of :func:`shares`.
        low: the smallest numbers that may be made, ``(groups, in, out)``.
        high: the largest.
    """
    # NumPy calls cost half of torch's, and there are several for every input of every layer.
    open_, made, errors = exact.clone(), torch.empty_like(exact), torch.empty_like(exact)
    left, passed, erred, whole = open_.numpy(), spread.numpy(), errors.numpy(), made.numpy()
    least, most = low.numpy(), high.numpy()
    count = exact.shape[1]
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        for at in range(start, end):
            now, rounded, error = left[:, at], whole[:, at], erred[:, at]
            np.rint(now, out=rounded)
            np.maximum(rounded, least[:, at], out=rounded)  # np.clip takes as long as all else here
            np.minimum(rounded, most[:, at], out=rounded)
            np.subtract(now, rounded, out=error)
            error /= passed[:, at, at, None]
            left[:, at + 1 : end] -= passed[:, at, at + 1 : end, None] * error[:, None]
        open_[:, end:].baddbmm_(spread[:, start:end, end:].transpose(1, 2), errors[:, start:end], alpha=-1)
    return made
