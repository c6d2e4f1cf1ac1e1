"""The steps that int8 weights lie on, and how far rounding may move each weight on them.

A quantizer takes a channel's step from its largest weight, or (``weight_range``) from its largest pair of neighbours of
one sign. Rounding that moves weights by more than half a step has to leave that weight, or the sum of that pair, and
must not make anything larger: the quantizer then finds the same step again, and no pair overflows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .weight_range import STEPS, is_depthwise, largest_pair, pairs_any_two

EDGE = 1e-3
"""How far a number of steps may be off, in float32."""


class Grid(NamedTuple):
    """Of a layer's weights.

    Attributes:
        scale: what a step stands for, ``(out, 1)``.
        low: the smallest whole number of steps that a weight may become, ``(out, weights)``.
        high: the largest; equal to ``low`` where the weight is settled.
    """

    scale: Tensor
    low: Tensor
    high: Tensor


def grid_of(layer: nn.Conv2d | nn.Linear, steps: int = STEPS, paired: bool = False) -> Grid:
    """The grid of a layer's weights.

    Args:
        layer: convolution or linear layer.
        steps: the largest quantized weight.
        paired: two neighbours of one sign may not add up to more, but in a depthwise convolution.
    """
    weight = layer.weight.detach()
    flat = weight.flatten(1)
    pairs = paired and not is_depthwise(layer)
    largest = largest_pair(weight) if pairs else flat.abs().amax(1)
    scale = largest.clamp(min=1e-12)[:, None] / steps
    exact = flat / scale
    low, high = torch.full_like(exact, -steps), torch.full_like(exact, steps)
    settled = exact.abs() >= steps - EDGE
    if pairs:
        share_out(exact, weight.shape, steps, low, high, ~settled.any(1))
    low[settled] = high[settled] = exact[settled].round()
    return Grid(scale, low, high)


def share_out(exact: Tensor, shape: torch.Size, steps: int, low: Tensor, high: Tensor, open_: Tensor) -> None:
    """Narrow ``low`` and ``high`` in place so that no pair can exceed ``steps``; what it leaves over is halved.

    In the channels that are ``open_`` the largest pair is settled at ``steps``.
    """
    most = torch.full((len(exact),), steps - EDGE)
    pair = torch.zeros(len(exact), 2, dtype=torch.long)
    alone = torch.arange(exact.shape[1]).expand_as(exact)
    for sign, end in ((-1, low), (1, high)):
        size = (sign * exact).clamp(min=0)
        for beside in neighbours(size, shape):
            other = torch.where(beside == alone, 0, size.gather(1, beside))
            own = size.gather(1, beside.gather(1, beside))
            end.copy_(sign * torch.floor((steps + own - other) / 2 + EDGE).minimum(sign * end))
            total, first = (size + other).max(1)
            found = total > most
            most = torch.where(found, total, most)
            pair[found] = torch.stack([first, beside.gather(1, first[:, None])[:, 0]], 1)[found]
    rows = (open_ & (most > steps - EDGE)).nonzero()[:, 0]
    first, second = pair[rows].unbind(1)
    kept = exact[rows, first].round()
    low[rows, first] = high[rows, first] = kept
    low[rows, second] = high[rows, second] = exact[rows, first].sign() * steps - kept


def neighbours(size: Tensor, shape: torch.Size) -> Iterator[Tensor]:
    """For every weight, ``(out, weights)``, the place of the one that it forms a pair with: its own for none.

    Args:
        size: the weights of one sign, the others zero.
        shape: of the weights as the layer has them.
    """
    places = torch.arange(size.shape[1])
    for order in (places, places.reshape(shape[1], -1).T.flatten()):
        beside = places.clone()
        even = len(places) // 2 * 2
        beside[order[0:even:2]], beside[order[1:even:2]] = order[1:even:2], order[0:even:2]
        yield beside.expand_as(size)
    if pairs_any_two(shape):  # the largest and the second, and each of the others with the largest
        first, second = size.topk(2, 1).indices.T
        beside = first[:, None].repeat(1, size.shape[1])
        yield beside.scatter_(1, first[:, None], second[:, None])
