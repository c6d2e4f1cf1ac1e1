"""Biases of channels with next to no weights: they fit into 32 bits, and the result hardly moves."""

from __future__ import annotations

import torch
from torch import fx, nn

from edgekit.convert.int8.bias_room import LARGEST, make_room, raised_weight
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites


def dead_layer() -> nn.Conv2d:
    layer = nn.Conv2d(8, 4, 1)
    with torch.no_grad():
        layer.weight[1] *= 1e-12
        layer.weight[2] = 0
        layer.bias[:] = torch.tensor([3.0, 3.0, -3.0, 0.0])
    return layer


def test_stored_biases_fit_and_the_result_stays():
    layer, step = dead_layer(), 0.01
    raised = raised_weight(layer.weight.detach(), layer.bias.detach(), step)
    stored = layer.bias / (step * raised.flatten(1).abs().amax(1).clamp(min=1e-30) / 127)
    assert float(stored.detach().abs().max()) <= LARGEST * 1.001
    before = layer.bias / (step * layer.weight.flatten(1).abs().amax(1).clamp(min=1e-30) / 127)
    assert float(before.detach().abs().max()) > 2**31
    assert torch.equal(raised[0], layer.weight[0])
    assert torch.equal(raised[3], layer.weight[3])
    largest_input = 255 * step
    moved = (raised - layer.weight).flatten(1).abs().sum(1) * largest_input
    assert bool((moved <= 1e-4 * layer.bias.abs() + 1e-12).all())


def test_only_int8_layers_of_a_network_change():
    network = nn.Sequential(dead_layer(), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
    graph, _ = apply_rewrites(network, (), torch.zeros(1, 8, 4, 4))
    layers = name_layers(graph)
    images = torch.rand(2, 8, 4, 4)
    before = graph(images)
    assert make_room(graph, layers, images, frozenset({layers[0].name})) == 0
    assert make_room(graph, layers, images, frozenset()) == 2
    assert isinstance(graph, fx.GraphModule)
    assert torch.allclose(before, graph(images), atol=1e-3)
