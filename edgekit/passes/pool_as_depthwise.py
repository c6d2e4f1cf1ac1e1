"""Write local average pooling as a depthwise convolution with equal weights.

Quantized, XNNPACK takes no AVERAGE_POOL_2D; a depthwise convolution it takes. Precondition: padding counts as zeros in
the average (or there is none), and every window lies inside.
"""

from __future__ import annotations

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import channels_of


@rewrite
def pool_as_depthwise(graph_module: fx.GraphModule) -> int:
    """Replace in place, on a graph with propagated shapes; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        pool = module_of(node, modules)
        if not isinstance(pool, nn.AvgPool2d) or pool.ceil_mode or pool.divisor_override is not None:
            continue
        channels = channels_of(node)
        padded = pool.padding not in (0, (0, 0))
        if channels == 0 or (padded and not pool.count_include_pad):
            continue
        dtype = node.meta["tensor_meta"].dtype
        name = f"{node.target}_depthwise".replace(".", "_")
        graph_module.add_submodule(name, depthwise(pool, channels, dtype))
        node.target = name
        changed += 1
    return changed


def depthwise(pool: nn.AvgPool2d, channels: int, dtype: torch.dtype) -> nn.Conv2d:
    """The convolution that averages as ``pool`` does."""
    conv = nn.Conv2d(
        channels,
        channels,
        pool.kernel_size,
        pool.stride,
        pool.padding,
        groups=channels,
        bias=False,
        dtype=dtype,
    )
    with torch.no_grad():
        conv.weight.fill_(1.0 / conv.weight[0].numel())
    return conv.eval()
