"""What a network's operations move and compute: one forward on the ``meta`` device, shapes only."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..types import ConvFacts, NetworkFacts

NAMES = {
    "add": "add", "add_": "add", "mul": "multiply", "mul_": "multiply", "relu": "ReLU", "relu_": "ReLU",
    "hardtanh": "ReLU6", "hardtanh_": "ReLU6", "hardswish": "hard-swish", "hardswish_": "hard-swish",
    "hardsigmoid": "hard-sigmoid", "hardsigmoid_": "hard-sigmoid", "sigmoid": "sigmoid", "silu": "SiLU",
}  # fmt: skip


class ElementWise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the elements that element-wise operations on feature maps read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count it."""
        result = func(*args, **(kwargs or {}))
        name = NAMES.get(func.overloadpacket.__name__)
        if name is not None and isinstance(result, Tensor) and result.dim() > 1:
            inputs = sum(x.numel() for x in args if isinstance(x, Tensor))
            self.elements[name] += inputs + result.numel()
        return result


def network_facts(network: nn.Module, input_shape: tuple[int, ...]) -> NetworkFacts:
    """The facts of one forward.

    Args:
        network: on the ``meta`` device.
        input_shape: NCHW.
    """
    convolutions: list[ConvFacts] = []
    names = {layer: name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)}

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

    hooks = [layer.register_forward_hook(add) for layer in names]
    counted = ElementWise()
    try:
        with torch.no_grad(), counted:
            network(torch.empty(input_shape, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return NetworkFacts(convolutions=tuple(convolutions), element_wise=dict(counted.elements))
