"""What a network's operations move and compute: one forward on the ``meta`` device, shapes only."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..types import ConvFacts, ElementFacts, NetworkFacts
from .shapes_only import ShapesAtOnce

NAMES = {
    "add": "add", "add_": "add", "mul": "multiply", "mul_": "multiply", "relu": "ReLU", "relu_": "ReLU",
    "hardtanh": "ReLU6", "hardtanh_": "ReLU6", "hardswish": "hard-swish", "hardswish_": "hard-swish",
    "hardsigmoid": "hard-sigmoid", "hardsigmoid_": "hard-sigmoid", "sigmoid": "sigmoid", "silu": "SiLU",
}  # fmt: skip


class ElementWise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the elements that element-wise operations on feature maps read and write, by the module that runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[ElementFacts] = []
        self.running = [""]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count it."""
        result = func(*args, **(kwargs or {}))
        name = NAMES.get(func.overloadpacket.__name__)
        if name is not None and isinstance(result, Tensor) and result.dim() > 1:
            inputs = sum(x.numel() for x in args if isinstance(x, Tensor))
            self.found.append(ElementFacts(layer=self.running[-1], kind=name, elements=inputs + result.numel()))
        return result


def network_facts(network: nn.Module, input_shape: tuple[int, ...]) -> NetworkFacts:
    """The facts of one forward.

    Args:
        network: on the ``meta`` device.
        input_shape: NCHW.
    """
    with ShapesAtOnce():
        return facts_of_run(network, (torch.empty(input_shape, device="meta"),))


def facts_of_run(network: nn.Module, inputs: tuple[Tensor, ...]) -> NetworkFacts:
    """The facts of one forward on inputs of the network's own device."""
    convolutions: list[ConvFacts] = []
    paths = {module: name for name, module in network.named_modules()}
    names = {layer: name for layer, name in paths.items() if isinstance(layer, nn.Conv2d)}

    def add(layer: nn.Conv2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        positions = output.shape[2] * output.shape[3]
        per_output = layer.in_channels // layer.groups * prod(layer.kernel_size)
        convolutions.append(
            ConvFacts(
                name=names[layer],
                in_channels=layer.in_channels,
                out_channels=layer.out_channels,
                kernel=max(layer.kernel_size),
                groups=layer.groups,
                stride=max(layer.stride),
                positions=positions,
                macs=output.numel() * per_output,
                memory_access=inputs[0].numel() + output.numel() + layer.weight.numel(),
            )
        )

    counted = ElementWise()

    def enter(module: nn.Module, _: Any) -> None:
        counted.running.append(paths[module])

    def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
        counted.running.pop()

    with ExitStack() as hooks, torch.no_grad(), counted:
        for layer in names:
            hooks.enter_context(layer.register_forward_hook(add))
        for module in paths:
            hooks.enter_context(module.register_forward_pre_hook(enter))
            hooks.enter_context(module.register_forward_hook(leave))
        network(*inputs)
    by_kind: Counter[str] = Counter()
    for one in counted.found:
        by_kind[one.kind] += one.elements
    return NetworkFacts(
        convolutions=tuple(convolutions), element_wise=dict(by_kind), element_layers=tuple(counted.found)
    )
