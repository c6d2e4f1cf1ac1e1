"""Write a linear layer on a pooled map as a 1x1 convolution, for OpenVINO.

On CPUs without VNNI its plugin gives an int8 linear layer to a general matrix product, several times slower than
reading the weights takes; a 1x1 convolution of one pixel goes to oneDNN's own kernel.

Precondition: the layer reads the flattened pixel of an ``(N, C, 1, 1)`` map, with nothing but activations and dropout
between, that nobody else reads. The flattening moves behind the layer; with several such layers, behind the last.
"""

from __future__ import annotations

import torch
from torch import fx, nn

from ._pass import module_of, modules_of, rewrite
from .channel_flow import argument

ELEMENTWISE = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Dropout, nn.Identity)


class PixelLinear(nn.Conv2d):
    """A linear layer on the channels of one pixel: ``(N, in, 1, 1)`` to ``(N, out, 1, 1)``."""

    kind = "linear"

    def __init__(self, layer: nn.Linear) -> None:
        weight = layer.weight
        super().__init__(
            layer.in_features,
            layer.out_features,
            1,
            bias=layer.bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        with torch.no_grad():
            self.weight.copy_(weight[:, :, None, None])
            if self.bias is not None:
                self.bias.copy_(layer.bias)


@rewrite
def linear_as_conv(graph_module: fx.GraphModule) -> int:
    """Replace in place, on a graph with propagated shapes; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in list(graph_module.graph.nodes):
        layer = module_of(node, modules)
        chain = chain_before(node, modules) if isinstance(layer, nn.Linear) else None
        if not isinstance(layer, nn.Linear) or chain is None:
            continue
        name = f"{node.name}_pixel"
        graph_module.add_submodule(name, PixelLinear(layer).train(layer.training))
        node.target = name
        move_behind(chain, node)
        changed += 1
    return changed


def chain_before(node: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node] | None:
    """The nodes from the flattening of a pixel to what ``node`` reads, if there is nothing else between."""
    chain: list[fx.Node] = []
    reader = node
    while True:
        source = reader.all_input_nodes[0]
        if len(source.users) != 1:
            return None
        chain.insert(0, source)
        layer = module_of(source, modules)
        if flattens(source, layer):
            shape = tuple(source.all_input_nodes[0].meta["tensor_meta"].shape)
            return chain if len(shape) == 4 and shape[2:] == (1, 1) else None
        if not isinstance(layer, ELEMENTWISE):
            return None
        reader = source


def flattens(node: fx.Node, layer: nn.Module | None) -> bool:
    """True for a flattening of all dimensions but the first."""
    if isinstance(layer, nn.Flatten):
        return (layer.start_dim, layer.end_dim) == (1, -1)
    called = node.target is torch.flatten or (node.op == "call_method" and node.target == "flatten")
    return called and (argument(node, 1, "start_dim", 0), argument(node, 2, "end_dim", -1)) == (1, -1)


def move_behind(chain: list[fx.Node], node: fx.Node) -> None:
    """Take the flattening out of the front of ``chain`` and put it behind ``node``, which ends the chain."""
    flatten, moved = chain[0], [*chain[1:], node]
    moved[0].replace_input_with(flatten, flatten.all_input_nodes[0])
    readers = list(node.users)
    node.append(flatten)
    flatten.replace_input_with(flatten.all_input_nodes[0], node)
    for reader in readers:
        reader.replace_input_with(node, flatten)
    flatten.meta["tensor_meta"] = node.meta["tensor_meta"]
    for each in moved:
        found = each.meta["tensor_meta"]
        each.meta["tensor_meta"] = found._replace(shape=torch.Size([*found.shape, 1, 1]))
