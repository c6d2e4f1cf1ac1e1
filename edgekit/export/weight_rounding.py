"""Weights rounded so that their errors cancel in what a layer gives, instead of each to the nearest step.

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
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from ..types import Layer
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
    images = evenly(inputs, MOST_IMAGES)
    values: dict[fx.Node, Any] = {}
    rounded: dict[str, nn.Module] = {}
    with torch.no_grad():
        for node in runner.graph.nodes:
            if node.op == "output":
                break
            layer = runner.weighted(node)
            if layer is not None and str(node.target) in wanted:
                copied = copy.deepcopy(layer)
                copied.weight.copy_(
                    rounded_weight(layer, values[node.all_input_nodes[0]], scheme.weight_steps, scheme.paired)
                )
                rounded[str(node.target)] = copied
            values[node] = images if node.op == "placeholder" else runner.call(node, values)
            runner.forget(node, values)
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
    rows = input_rows(layer, given)
    weight = layer.weight.detach().reshape(len(rows), -1, rows.shape[2])
    moments = torch.bmm(rows.transpose(1, 2), rows) / rows.shape[1]
    grid = Grid(*(part.reshape(len(rows), weight.shape[1], -1) for part in grid_of(layer, steps, paired)))
    return compensated(weight, moments, grid).reshape(layer.weight.shape)


def input_rows(layer: nn.Conv2d | nn.Linear, given: Tensor) -> Tensor:
    """About ``ROWS`` of the vectors that a layer's weights are multiplied with, ``(groups, rows, in)``."""
    if isinstance(layer, nn.Linear):
        return given.reshape(1, -1, given.shape[-1])
    down, right = layer.stride
    places = max(1, given.shape[2] * given.shape[3] // (down * right))
    rows = min(ROWS, ROWS_PER_WEIGHT * layer.weight[0].numel())
    few = evenly(given, max(2, -(-2 * rows // places)))
    apart = max(1, round(sqrt(len(few) * places / rows)))  # every so many rows and columns are enough
    stride = (down * apart, right * apart)
    if layer.kernel_size == (1, 1) and layer.padding == (0, 0):  # every pixel is a vector already
        columns = few[:, :, :: stride[0], :: stride[1]].flatten(2)
    else:
        few = functional.pad(few, layer._reversed_padding_repeated_twice)  # noqa: SLF001 - also what padding="same" means
        columns = functional.unfold(few, layer.kernel_size, layer.dilation, 0, stride)
    return columns.reshape(len(few), layer.groups, -1, columns.shape[2]).permute(1, 0, 3, 2).flatten(1, 2)


def compensated(weight: Tensor, moments: Tensor, grid: Grid) -> Tensor:
    """Rounded weights whose outputs have little error, for inputs with these second moments.

    Args:
        weight: ``(groups, out, in)``.
        moments: ``(groups, in, in)``.
        grid: that they are rounded to, ``(groups, out, in)`` too.
    """
    groups, _, count = weight.shape
    moments = moments.double()
    power = moments.diagonal(dim1=1, dim2=2)
    moments = moments + torch.diag_embed((DAMPING * power.mean(1, keepdim=True).clamp(min=1e-12)).expand(-1, count))
    order = power.argsort(1, descending=True)  # what matters most first, while others can still make it good
    moments = moments.gather(1, order[:, :, None].expand(-1, -1, count))
    moments = moments.gather(2, order[:, None, :].expand(-1, count, -1))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments))
    spread = torch.linalg.cholesky(inverse, upper=True).float()
    places = order[:, None, :].expand(-1, weight.shape[1], -1)
    exact = weight.gather(2, places)
    scale, low, high = grid.scale[:, :, 0], grid.low.gather(2, places), grid.high.gather(2, places)
    open_, made, errors = exact.clone(), torch.empty_like(exact), torch.empty_like(exact)
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        near = open_[:, :, start:end].contiguous()
        for at in range(start, end):
            now = near[:, :, at - start]
            rounded = torch.clamp(torch.round(now / scale), low[:, :, at], high[:, :, at]) * scale
            error = (now - rounded) / spread[:, at, at].reshape(groups, 1)
            near[:, :, at - start :] -= error[:, :, None] * spread[:, None, at, at:end]
            made[:, :, at], errors[:, :, at] = rounded, error
        open_[:, :, end:] -= torch.bmm(errors[:, :, start:end], spread[:, start:end, end:])
    return torch.empty_like(made).scatter_(2, places, made)
