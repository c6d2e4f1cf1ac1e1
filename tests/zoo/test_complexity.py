"""Costs per layer against formulas worked out by hand."""

from __future__ import annotations

import torch
from torch import nn

from edgekit.zoo.complexity import LayerCost, count_macs, count_params, layer_costs, total_cost
from edgekit.zoo.mobilenet_v1 import mobilenet_v1


def on_meta(network: nn.Module) -> nn.Module:
    return network.to("meta").eval()


def test_pointwise_convolution_is_guideline_1() -> None:
    (cost,) = layer_costs(on_meta(nn.Conv2d(24, 58, 1, bias=True)), (1, 24, 28, 28))
    assert cost == LayerCost(
        *("", "Conv2d", (58, 28, 28), 24 * 58 + 58, 28 * 28 * 24 * 58, 28 * 28 * 58, 28 * 28 * (24 + 58) + 24 * 58),
        weights=24 * 58,
    )


def test_strided_group_convolution() -> None:
    (cost,) = layer_costs(on_meta(nn.Conv2d(8, 16, (3, 1), 2, (1, 0), groups=4, bias=False)), (2, 8, 10, 10))
    outputs, weights = 2 * 16 * 5 * 5, 16 * 2 * 3
    assert (cost.params, cost.macs, cost.activations) == (weights, outputs * 2 * 3, outputs)
    assert cost.memory_access == 2 * 8 * 100 + outputs + weights


def test_linear_and_batch_norm() -> None:
    network = on_meta(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5)))
    conv, norm, linear = layer_costs(network, (1, 3, 2, 2))
    assert (norm.name, norm.params, norm.macs, norm.activations, norm.memory_access) == ("1", 8, 0, 0, 0)
    assert (linear.macs, linear.activations, linear.memory_access) == (80, 5, 16 + 5 + 80)
    assert norm.intensity == 0
    assert linear.intensity == 80 / 101
    total = total_cost([conv, norm, linear])
    assert total.params == count_params(network)
    assert total.macs == count_macs(network, (1, 3, 2, 2)) == conv.macs + linear.macs
    assert total.output_shape == (5,)


def test_layers_of_a_network() -> None:
    with torch.device("meta"):
        network = mobilenet_v1(0.25).eval()
    costs = layer_costs(network, (1, 3, 224, 224))
    assert [cost.name for cost in costs[:3]] == ["stem.0", "stem.1", "blocks.0.depthwise.0"]
    assert costs[-1].name == "classifier"
    assert total_cost(costs).params == count_params(network)
