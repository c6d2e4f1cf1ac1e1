"""Write a pre-activation BN as one addition, its scale absorbed by the convolution behind the ReLU.

    conv(relu(x * s + t)) = conv'(relu(x + t / s)),    conv' has conv's columns times s,    s > 0

One operator (an addition with a fused ReLU) instead of two or three, and one that quantizes well. Precondition: every
scale is positive, and only ReLU and one convolution or linear layer, perhaps behind pooling, read the BN's result.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import CARRIER_FUNCTIONS
from .fold_batch_norm import scale_and_shift

MIN_SCALE = 1e-6  # smaller ones would blow up t / s


class Shift(nn.Module):
    """``(N, C, H, W)`` to ``x + shift``, per channel."""

    shift: Tensor

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift.reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.shift


@rewrite
def absorb_scale(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many BN layers went."""
    changed = 0
    modules = modules_of(graph_module)
    for node in list(graph_module.graph.nodes):
        norm = module_of(node, modules)
        if isinstance(norm, nn.BatchNorm2d) and absorb(graph_module, node, norm, modules):
            changed += 1
            modules = modules_of(graph_module)
    return changed


def absorb(graph_module: fx.GraphModule, node: fx.Node, norm: nn.BatchNorm2d, modules: dict[str, nn.Module]) -> bool:
    """Rewrite one BN; False when the precondition does not hold."""
    scale, shift = scale_and_shift(norm)
    reader = reader_of(node, modules)
    if reader is None or bool((scale < MIN_SCALE).any()):
        return False
    layer = modules[str(reader.target)]
    assert isinstance(layer, (nn.Conv2d, nn.Linear))
    dtype = layer.weight.dtype
    graph_module.add_submodule(f"{reader.name}_scaled", scaled_columns(layer, scale))
    graph_module.add_submodule(f"{node.name}_shift", Shift((shift / scale).to(dtype)).eval())
    reader.target, node.target = f"{reader.name}_scaled", f"{node.name}_shift"
    return True


def reader_of(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The convolution or linear layer that alone reads a BN through one ReLU and pooling; None if there is none."""
    seen_relu = False
    while len(node.users) == 1:
        node = next(iter(node.users))
        layer = module_of(node, modules)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            return node if seen_relu else None
        if isinstance(layer, nn.ReLU):
            seen_relu = True
        elif not isinstance(
            layer, (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Identity, nn.Dropout)
        ) and not (
            node.op == "call_function" and node.target in CARRIER_FUNCTIONS and node.target is not nn.functional.relu6
        ):
            return None
    return None


def scaled_columns(layer: nn.Conv2d | nn.Linear, scale: Tensor) -> nn.Conv2d | nn.Linear:
    """A copy of the layer whose input channel ``c`` is multiplied by ``scale[c]``."""
    copied = copy.deepcopy(layer)
    weight = layer.weight.double()
    if isinstance(layer, nn.Conv2d):
        rows, columns = layer.out_channels // layer.groups, layer.in_channels // layer.groups
        factors = scale.reshape(layer.groups, 1, columns).expand(-1, rows, -1).reshape(-1, columns, 1, 1)
    else:
        factors = scale.reshape(1, -1)
    with torch.no_grad():
        copied.weight.copy_(weight * factors)
    return copied
