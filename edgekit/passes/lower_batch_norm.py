"""Write a BN that no convolution can take as one multiplication and one addition per channel.

    BN(x) = x * s + t,    s = gamma / sqrt(var + eps),    t = beta - mean * s

Converters leave such a BN open as four operators, or as one that quantizers pass by. Precondition: eval mode.
"""

from __future__ import annotations

from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite
from .fold_batch_norm import scale_and_shift


class ScaleShift(nn.Module):
    """``(N, C, H, W)`` to ``x * scale + shift``, both per channel."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.reshape(1, -1, 1, 1))
        self.register_buffer("shift", shift.reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale, then shift."""
        return x * self.scale + self.shift


@rewrite
def lower_batch_norm(graph_module: fx.GraphModule) -> int:
    """Replace every BN left in the graph, in place; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        norm = module_of(node, modules)
        if isinstance(norm, nn.BatchNorm2d):
            scale, shift = (t.to(norm.running_mean) for t in scale_and_shift(norm))
            name = f"{node.target}_lowered".replace(".", "_")
            graph_module.add_submodule(name, ScaleShift(scale, shift).eval())
            node.target = name
            changed += 1
    return changed
