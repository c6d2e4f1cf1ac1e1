"""Fold every BN layer that directly follows a convolution into that convolution's weights and bias.

    BN(Wx + b) = (W * s) x + (b - mean) * s + beta,    s = gamma / sqrt(var + eps)

Precondition: eval mode, and the convolution's result is used by the BN alone. The arithmetic is done in float64 and
rounded once. Half the nodes to trace is half the conversion time; the converters would fold it too, later.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import conv_like, modules_of, rewrite


@rewrite
def fold_batch_norm(graph_module: fx.GraphModule) -> int:
    """Fold in place; returns how many BN layers went."""
    modules = modules_of(graph_module)
    folded = 0
    for node in list(graph_module.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        source = node.all_input_nodes[0]
        if source.op != "call_module" or not isinstance(modules[source.target], nn.Conv2d) or len(source.users) != 1:
            continue
        conv = fold(modules[source.target], modules[node.target])
        # A module called twice must keep its weights for the other call: the folded one gets a name of its own, which
        # two BN layers behind two calls of one convolution must not share.
        name = f"{source.target}_folded_{folded}".replace(".", "_")
        graph_module.add_submodule(name, conv)
        modules[name] = conv
        source.target = name
        node.replace_all_uses_with(source)
        graph_module.graph.erase_node(node)
        folded += 1
    return folded


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A new convolution equal to ``norm(conv(x))`` in eval mode.

    Raises:
        ValueError: the BN keeps no running statistics.
    """
    scale, shift = scale_and_shift(norm)
    bias = conv.bias.double() if conv.bias is not None else torch.zeros_like(shift)
    folded = conv_like(conv, bias=True)
    assert folded.bias is not None
    with torch.no_grad():
        folded.weight.copy_(conv.weight.double() * scale.reshape(-1, 1, 1, 1))
        folded.bias.copy_(bias * scale + shift)
    return folded.eval()


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """``s`` and ``t`` of ``BN(x) = x * s + t`` in eval mode, float64.

    Raises:
        ValueError: the BN keeps no running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("BN without running statistics cannot be folded")
    mean, var = norm.running_mean.double(), norm.running_var.double()
    gamma = norm.weight.double() if norm.affine else torch.ones_like(mean)
    beta = norm.bias.double() if norm.affine else torch.zeros_like(mean)
    scale = gamma / torch.sqrt(var + norm.eps)
    return scale, beta - mean * scale
