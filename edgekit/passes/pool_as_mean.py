"""Write global average pooling as a mean over height and width, for TFLite.

The converter makes AVERAGE_POOL_2D of it, which XNNPACK does not take when quantized; it takes MEAN over both axes.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite


class SpatialMean(nn.Module):
    """``(N, C, H, W)`` to ``(N, C, 1, 1)``."""

    kind = "average-pool"

    def forward(self, x: Tensor) -> Tensor:
        """Mean over height and width."""
        return torch.mean(x, (2, 3), keepdim=True)


@rewrite
def pool_as_mean(graph_module: fx.GraphModule) -> int:
    """Replace every average pooling to 1x1, in place; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in list(graph_module.graph.nodes):
        if not is_global(node, modules):
            continue
        name = f"{node.name}_mean"
        graph_module.add_submodule(name, SpatialMean())
        with graph_module.graph.inserting_before(node):
            mean = graph_module.graph.call_module(name, (node.all_input_nodes[0],))
        mean.meta = dict(node.meta)
        node.replace_all_uses_with(mean)
        graph_module.graph.erase_node(node)
        changed += 1
    return changed


def is_global(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for an adaptive average pooling to one pixel."""
    layer = module_of(node, modules)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return layer.output_size in (1, (1, 1))
    if node.op != "call_function" or node.target is not nn.functional.adaptive_avg_pool2d:
        return False
    size = node.args[1] if len(node.args) > 1 else node.kwargs.get("output_size")
    return size in (1, (1, 1), [1, 1])
