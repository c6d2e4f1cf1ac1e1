"""Quantization-aware training: a network that rounds as int8 does, forward; gradients pass as if it did not.

Weights: int8, symmetric, a scale for each output channel. A batch normalisation behind them scales whole channels, so
rounding before or after it is folded comes to the same. Activations: eight bits, asymmetric, one scale for a tensor,
over its smallest and largest value, a moving average. Rounded is what a runtime stores: not what is fused, as between a
convolution, its batch normalisation and its activation. The straight-through estimator and these rules are those of
Jacob et al. 2018 (arXiv:1712.05877), with PyTorch's own fake quantization.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

import torch
from torch import Tensor, fx, nn
from torch.ao.quantization import FusedMovingAvgObsFakeQuantize, MovingAverageMinMaxObserver
from torch.nn import functional

from ..errors import UsageError

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid)
NORMS = (nn.BatchNorm2d,)
WEIGHTED = (nn.Conv2d, nn.Linear)
POOLS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
ARITHMETIC: tuple[object, ...] = (
    *(operator.add, operator.iadd, operator.mul, torch.add, torch.mul, torch.cat, torch.mean),
    *(functional.adaptive_avg_pool2d, functional.avg_pool2d),
)
STEPS = 127
"""Largest quantized weight."""
OBSERVED = 8
"""Batches from which the ranges are taken before an epoch."""


def quantized(network: nn.Module) -> fx.GraphModule:
    """The network with fake quantization; its layers, and so its parameters, are those of ``network``.

    Args:
        network: takes ``(N, C, H, W)``.

    Raises:
        UsageError: its code cannot be traced.
    """
    try:
        traced = traced_graph(network)
    except (fx.proxy.TraceError, TypeError) as error:
        raise UsageError(f"--qat cannot follow the network's code: {error}", "train it without --qat") from error
    modules = dict(traced.named_modules())
    for number, node in enumerate([node for node in traced.graph.nodes if stored(node, modules)]):
        name = f"rounding_{number}"
        traced.add_submodule(name, Rounding(node.name))
        with traced.graph.inserting_after(node):
            rounded = traced.graph.call_module(name, (node,))
        node.replace_all_uses_with(rounded, delete_user_cb=lambda user, own=rounded: user is not own)
    traced.recompile()
    for layer in modules.values():
        if isinstance(layer, WEIGHTED):
            round_weight(layer)
    return traced


def traced_graph(network: nn.Module) -> fx.GraphModule:
    """The graph whose nodes :func:`learnt_ranges` names.

    Raises:
        torch.fx.proxy.TraceError, TypeError: its code cannot be traced.
    """
    return fx.symbolic_trace(network)


def restore(network: nn.Module) -> None:
    """Take the rounding of the weights off the network's layers again."""
    for layer in network.modules():
        layer.__dict__.pop("forward", None)


class Rounding(FusedMovingAvgObsFakeQuantize):
    """Observes its input and rounds it to 256 steps; numbers of a shape's arithmetic pass.

    Args:
        of: the node whose result it rounds.
    """

    def __init__(self, of: str) -> None:
        super().__init__(
            observer=MovingAverageMinMaxObserver,
            quant_min=0,
            quant_max=255,
            dtype=torch.quint8,
            qscheme=torch.per_tensor_affine,
            averaging_constant=0.01,
        )
        self.of = of

    def forward(self, given: Tensor) -> Tensor:
        """A tensor of any shape, rounded."""
        if not isinstance(given, Tensor):
            return given  # type: ignore[unreachable]  # what a graph adds and multiplies may be sizes
        made: Tensor = super().forward(given)
        return made


def stored(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Whether a runtime stores the node's output: it computes, and nothing that is fused with it follows."""
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    if node.op == "placeholder" or isinstance(layer, (*ACTIVATIONS, *POOLS)):
        return True
    computes = isinstance(layer, (*WEIGHTED, *NORMS)) or node.target in ARITHMETIC
    if not computes:
        return False
    followers = [modules.get(str(user.target)) if user.op == "call_module" else None for user in node.users]
    fused = (*ACTIVATIONS, *NORMS) if isinstance(layer, WEIGHTED) else ACTIVATIONS
    return not (len(followers) == 1 and isinstance(followers[0], fused))


def round_weight(layer: nn.Conv2d | nn.Linear) -> None:
    """Let a layer compute with rounded weights; its own stay as they are, and its name and state too."""

    def compute(given: Tensor) -> Tensor:
        weight = rounded_weight(layer.weight)
        if isinstance(layer, nn.Linear):
            return functional.linear(given, weight, layer.bias)
        made: Tensor = layer._conv_forward(given, weight, layer.bias)  # noqa: SLF001 - it knows every padding mode
        return made

    layer.__dict__["forward"] = compute  # in the way of the class's own; restore() takes it off


def rounded_weight(weight: Tensor) -> Tensor:
    """The weight, ``(out, ...)``, on the int8 grid of its output channel."""
    scale = (weight.detach().flatten(1).abs().amax(1) / STEPS).clamp(min=1e-12)
    zero = torch.zeros(len(scale), dtype=torch.int32)
    made: Tensor = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -STEPS, STEPS)
    return made


def observe(network: fx.GraphModule, batches: Iterable[Tensor]) -> None:
    """Take the ranges anew, so that an epoch depends on nothing but the weights at its beginning.

    Args:
        network: of :func:`quantized`; in eval mode afterwards.
        batches: inputs ``(n, C, H, W)``.
    """
    roundings = [layer for layer in network.modules() if isinstance(layer, Rounding)]
    for rounding in roundings:
        rounding.activation_post_process.reset_min_max_vals()
        rounding.enable_observer()
        rounding.disable_fake_quant()
    network.eval()
    with torch.no_grad():
        for images in batches:
            network(images)
    for rounding in roundings:
        rounding.enable_fake_quant()


def learnt_ranges(network: fx.GraphModule) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every tensor that is stored, zero between them, as the training left them.

    Args:
        network: of :func:`quantized`.

    Returns:
        By the name of the node that makes the tensor, see :func:`traced_graph`; without what was never a tensor.
    """
    found = {}
    for layer in network.modules():
        if isinstance(layer, Rounding):
            low, high = (
                float(end) for end in (layer.activation_post_process.min_val, layer.activation_post_process.max_val)
            )
            if low <= high:  # nothing observed: inf, -inf
                found[layer.of] = (min(low, 0.0), max(high, 0.0))
    return found


def hold_ranges(network: nn.Module, held: bool) -> None:
    """Whether the ranges stay as they are: while the network is tested they must not learn."""
    for layer in network.modules():
        if isinstance(layer, Rounding):
            (layer.disable_observer if held else layer.enable_observer)()
