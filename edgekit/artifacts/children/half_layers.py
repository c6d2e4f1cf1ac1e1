"""The child that finds the layer that costs a network the most in float16."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ...base.images.pixels import normalise
from ...convert.int8.simulation import Runner, evenly
from ..requests import HalfRequest, HalfWeakness
from .network import one_thread, rewritten_network

IMAGES = 4
"""Number of images for the test of each layer, which runs the network once over them."""

LARGEST = 65504.0
"""The largest float16."""


def weakest(request: HalfRequest) -> HalfWeakness:
    """The layer whose sums exceed float16, else the layer whose rounding alone costs the scores the most."""
    card = request.network.card
    network, layers, _ = rewritten_network(request.network, request.profile)
    images = evenly(torch.from_numpy(normalise(np.load(request.pixels), card.preprocessing)), IMAGES)
    runner = Runner(network)
    (scores,) = network.graph.output_node().all_input_nodes
    reach: dict[str, float] = {}
    with torch.no_grad(), one_thread():
        exact: dict[fx.Node, Any] = {}
        for node, values in runner.walk(images):
            exact = values
            if isinstance(values[node], Tensor):
                reach[str(node.target)] = largest_sum(runner, node, values)
        largest = max((layer for layer in layers if layer.name in reach), key=lambda layer: reach[layer.name])
        if reach[largest.name] > LARGEST:
            return HalfWeakness(path=largest.path, reach=reach[largest.name])
        wanted = exact[scores].double()
        noise = {
            layer.path: float((with_half(runner, layer.name, images, scores).double() - wanted).square().sum())
            for layer in layers
        }
    return HalfWeakness(path=max(noise, key=lambda path: noise[path]), reach=reach[largest.name])


def largest_sum(runner: Runner, node: fx.Node, values: dict[fx.Node, Any]) -> float:
    """The largest absolute value of a result, and of any partial sum on the way to it, whatever the order of adding."""
    result = values[node]
    layer = runner.weighted(node)
    if layer is not None:
        given = {each: values[each].abs() for each in node.all_input_nodes}
        result = runner.call(node, given, layer.weight.detach().abs())
    return float(result.abs().max())


def with_half(runner: Runner, name: str, images: Tensor, scores: fx.Node) -> Tensor:
    """Scores with the result of one layer rounded to float16."""
    made: dict[fx.Node, Any] = {}
    for node, values in runner.walk(images):
        made = values
        if str(node.target) == name and isinstance(values[node], Tensor):
            values[node] = values[node].half().float()
    result = made[scores]
    assert isinstance(result, Tensor)
    return result
