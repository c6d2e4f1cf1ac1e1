"""Parameters, MACs, activations and memory accesses of a network, counted from the module itself."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from .shapes_only import ShapesAtOnce

COUNTED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs in one forward, in elements, not bytes.

    Attributes:
        name: as in the state dict.
        kind: class of the layer: ``Conv2d``, ``Linear`` or ``BatchNorm2d``, or a class derived from them.
        output_shape: without the batch.
        params: learnable elements.
        macs: multiply-accumulates; bias additions are not counted. 1 MAC = 2 FLOPs.
        activations: elements of the output. 0 for BN, which is folded into its convolution before it runs.
        memory_access: elements read and written: input, output and weight, without the bias. For a 1x1 convolution of
            stride 1 this is ``h w (c1 + c2) + c1 c2``, the MAC of ShuffleNet V2 (arXiv:1807.11164, section 2, G1); the
            other layers are counted by the same rule. 0 for BN.
        weights: elements of the weight. 0 for BN.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    params: int
    macs: int
    activations: int
    memory_access: int
    weights: int = 0

    @property
    def intensity(self) -> float:
        """MACs per element of memory access; 0 where nothing is accessed."""
        return self.macs / self.memory_access if self.memory_access else 0.0


def count_params(module: nn.Module) -> int:
    """Learnable elements: convolution, linear and BN weights and biases; buffers excluded."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(module: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of every Conv2d and Linear in one forward of ``input_shape`` (NCHW)."""
    return sum(cost.macs for cost in layer_costs(module, input_shape))


def layer_costs(module: nn.Module, input_shape: tuple[int, ...]) -> list[LayerCost]:
    """The cost of every convolution, linear layer and BN of one forward, in the order of execution.

    The parameters of the rows add up to :func:`count_params`. The input is made on the network's own device: on
    ``meta`` there is no arithmetic, but PyTorch loads its compiler for it, which costs more than one real inference.

    Args:
        module: the network.
        input_shape: NCHW; the costs are those of the whole batch.
    """
    costs: list[LayerCost] = []
    names: dict[nn.Module, str] = {layer: name for name, layer in module.named_modules() if isinstance(layer, COUNTED)}

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        costs.append(cost_of(names[layer], layer, inputs[0], output))

    with ExitStack() as hooks, torch.no_grad():
        for layer in names:
            hooks.enter_context(layer.register_forward_hook(add))
        given = torch.zeros(input_shape, device=next(module.parameters()).device)
        if given.is_meta:
            hooks.enter_context(ShapesAtOnce(activations=True))
        module(given)
    return costs


def cost_of(name: str, layer: nn.Module, given: Tensor, output: Tensor) -> LayerCost:
    """The cost of one call of a layer."""
    params = count_params(layer)
    shape = tuple(output.shape[1:])
    if isinstance(layer, nn.Conv2d):
        per_output = layer.in_channels // layer.groups * prod(layer.kernel_size)
    elif isinstance(layer, nn.Linear):
        per_output = layer.in_features
    else:
        return LayerCost(name, type(layer).__name__, shape, params, 0, 0, 0)
    accesses = given.numel() + output.numel() + layer.weight.numel()
    macs = output.numel() * per_output
    return LayerCost(name, type(layer).__name__, shape, params, macs, output.numel(), accesses, layer.weight.numel())


def total_cost(costs: list[LayerCost]) -> LayerCost:
    """The sum of ``costs`` under the name ``total``; the output shape is the last layer's."""
    return LayerCost(
        "total",
        "",
        costs[-1].output_shape if costs else (),
        sum(cost.params for cost in costs),
        sum(cost.macs for cost in costs),
        sum(cost.activations for cost in costs),
        sum(cost.memory_access for cost in costs),
    )
