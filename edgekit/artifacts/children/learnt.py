"""Ranges that quantization-aware training learnt, handed over to the layers that still compute what was trained.

Rewrites split, scale and fold what the training rounded. A layer of the rewritten network takes over a range only where
its result is, number for number, the tensor which the range was learnt for, or that tensor times one factor: then the
range is too, and rounds as it was trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ...convert.int8.float_layers import PRODUCTS, follower
from ...convert.int8.simulation import Runner
from ...training.fake_quant import traced_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, fx, nn

    from ...types import Layer

NEAR = 1e-4
"""Difference, as a share of the largest value, that rewrites leave: they are exact up to float rounding."""
IMAGES = 2


def handed_over(
    trained: nn.Module,
    ranges: Mapping[str, tuple[float, float]],
    rewritten: fx.GraphModule,
    layers: Sequence[Layer],
    images: Tensor,
) -> dict[str, tuple[float, float]]:
    """The learnt ranges by the names of layers whose results they are the ranges of.

    Args:
        trained: the network as it was trained.
        ranges: by the nodes of its graph, see ``training.fake_quant.learnt_ranges``.
        rewritten: named (``passes.name_layers``).
        layers: those of the rewritten network.
        images: ``(N, C, H, W)``, normalised; the first are computed with both.
    """
    if not ranges:
        return {}
    by_name = {layer.name: layer for layer in layers}
    # Not stored, and on some images equal to what is: a gate's input, where the gate does not saturate.
    fused = {layer.name for layer in layers if PRODUCTS & set(layer.kinds) and follower(layer, by_name)}
    images = images[:IMAGES]
    with torch.no_grad():
        exact = {
            node.name: values[node]
            for node, values in Runner(traced_graph(trained)).walk(images)
            if node.name in ranges and isinstance(values[node], torch.Tensor)
        }
        found = {}
        for node, values in Runner(rewritten).walk(images):
            if node.op != "call_module" or str(node.target) in fused:
                continue
            factors = {name: by for name, tensor in exact.items() if (by := factor(tensor, values[node])) is not None}
            # In order: of two equal tensors (the average of a map of one pixel) each has its own range.
            same = min(factors, key=lambda name: abs(factors[name] - 1) > NEAR, default=None)
            if same is not None:
                low, high = ranges[same]
                found[str(node.target)] = (low * factors[same], high * factors[same])
                del exact[same]
    return found


def factor(tensor: Tensor, other: object) -> float | None:
    """What a tensor is multiplied with to be the other, above 0; None where they differ in more than that.

    Dimensions of size 1 do not count.
    """
    if not isinstance(other, torch.Tensor) or tensor.squeeze().shape != other.squeeze().shape:
        return None
    given, made = tensor.flatten().double(), other.flatten().double()
    power = float(given @ given)
    by = float(given @ made) / power if power else 0.0
    near = by > 0 and float((by * given - made).abs().max()) <= NEAR * by * float(given.abs().max())
    return by if near else None
