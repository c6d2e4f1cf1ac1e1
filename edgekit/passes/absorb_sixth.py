"""Write hard-swish and hard-sigmoid without their division by six, which goes into the weights behind them.

    conv(relu6(x + 3) * x / 6)  = conv'(relu6(x + 3) * x),      conv' has conv's weights / 6
    conv(relu6(z + 3) / 6 * y)  = conv'(relu6(z + 3) * y)

A hard-swish becomes an addition with a fused ReLU6 and a multiplication, both of which quantize; the gate of a
squeeze-and-excitation becomes a plain ReLU6, its 3 added to the bias of the convolution before it. Precondition: six
times the value passes only through what scales with its input (pooling, ReLU, a product with something else) until
convolutions or linear layers take it; any other reader, and that activation is left alone.
"""

from __future__ import annotations

import copy
import operator

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite

FACTOR = 6.0
SCALES_ALONG = (nn.ReLU, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Identity, nn.Dropout)
SCALES_ALONG_FUNCTIONS = (
    nn.functional.adaptive_avg_pool2d,
    nn.functional.avg_pool2d,
    nn.functional.relu,
    torch.flatten,
    torch.mean,
)
PRODUCTS = (operator.mul, torch.mul)


class SixfoldHardSwish(nn.Module):
    """``x * relu6(x + 3)``: six times hard-swish, any shape."""

    kind = "hard-swish"

    def __init__(self) -> None:
        super().__init__()
        self.relu6 = nn.ReLU6()

    def gate(self, x: Tensor) -> Tensor:
        """The factor that ``x`` is multiplied by."""
        made: Tensor = self.relu6(x + 3.0)
        return made

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """Element-wise; ``gate`` in place of its own."""
        return (self.gate(x) if gate is None else gate) * x


@rewrite
def absorb_hard_sigmoid_sixth(graph_module: fx.GraphModule) -> int:
    """Rewrite every hard-sigmoid behind a convolution of its own, in place; returns how many."""
    return absorb_sixths(graph_module, nn.Hardsigmoid)


@rewrite
def absorb_hard_swish_sixth(graph_module: fx.GraphModule) -> int:
    """Rewrite every hard-swish, in place; returns how many."""
    return absorb_sixths(graph_module, nn.Hardswish)


def absorb_sixths(graph_module: fx.GraphModule, kind: type[nn.Module]) -> int:
    """Rewrite the activations of one kind that can be, in place; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in list(graph_module.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[str(node.target)], kind):
            continue
        readers = readers_of_scaled(graph_module.graph, node, modules)
        if readers is None or (kind is nn.Hardsigmoid and not raise_bias(graph_module, node, modules)):
            continue
        for reader in readers:
            layer = copy.deepcopy(modules[str(reader.target)])
            with torch.no_grad():
                weight = layer.weight
                assert isinstance(weight, Tensor)
                weight.div_(FACTOR)
            rename(graph_module, reader, layer, "sixth")
        rename(graph_module, node, nn.ReLU6() if kind is nn.Hardsigmoid else SixfoldHardSwish(), "sixfold")
        modules = modules_of(graph_module)
        changed += 1
    return changed


def readers_of_scaled(graph: fx.Graph, source: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node] | None:
    """The layers that take the factor off what ``source`` scales; None when something else reads it."""
    scaled, readers = {source}, []
    for node in graph.nodes:
        inputs = [given for given in node.all_input_nodes if given in scaled]
        if not inputs:
            continue
        layer = module_of(node, modules)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            readers.append(node)
        elif isinstance(layer, SCALES_ALONG) or (node.op == "call_function" and node.target in SCALES_ALONG_FUNCTIONS):
            scaled.add(node)
        elif node.op == "call_function" and node.target in PRODUCTS and sum(a in scaled for a in node.args) == 1:
            scaled.add(node)  # a square would be scaled by 36
        else:
            return None
    return readers


def raise_bias(graph_module: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Add 3 to what ``node`` reads, through the bias of the convolution that makes it; False if there is none."""
    source = node.all_input_nodes[0]
    layer = module_of(source, modules)
    if not isinstance(layer, (nn.Conv2d, nn.Linear)) or len(source.users) != 1:
        return False
    raised = copy.deepcopy(layer)
    if raised.bias is None:
        raised.bias = nn.Parameter(torch.zeros_like(layer.weight[:, 0].flatten(1)[:, 0]))
    with torch.no_grad():
        raised.bias.add_(3.0)
    rename(graph_module, source, raised, "raised")
    return True


def rename(graph_module: fx.GraphModule, node: fx.Node, layer: nn.Module, suffix: str) -> None:
    """Let a node call another layer, under a name of its own."""
    name = f"{str(node.target).replace('.', '_')}_{suffix}"
    graph_module.add_submodule(name, layer.eval())
    node.target = name
