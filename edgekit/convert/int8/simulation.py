"""A network's int8 arithmetic, imitated in PyTorch: any part of it quantized, the rest in float.

Much faster than a conversion and near enough to rank layers and to see how quantized weights shift a layer's mean;
what an artifact really does is measured on the artifact. Ranges are smallest and largest value over the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_map_only

from ...base.target import saturates
from ...types import Layer, Quantization, TargetClass
from .float_layers import PRODUCTS, follower
from .weight_range import STEPS, is_depthwise, largest_weight

GATE = 6.0
"""The largest value of a hard-swish's gate."""

FLOOR = -3.0
"""Below it the gate is zero, and so is the product: the range of a hard-swish's input need not go further down."""


@dataclass(frozen=True)
class Scheme:
    """How weights and activations are quantized.

    Attributes:
        weight_steps: the largest quantized weight; half as many where the target saturates.
        per_channel: a weight scale for each output channel.
        symmetric: activations from ``-128`` to ``127`` around zero, else 256 steps over the range.
        paired: no two neighbouring weights may add up to more (``weight_range``).
    """

    weight_steps: int
    per_channel: bool
    symmetric: bool
    paired: bool = False


def scheme_of(settings: Quantization, target: TargetClass, format_: str) -> Scheme:
    """The scheme of a profile, as the format's quantizer takes it: ONNX Runtime's 7 bits are -64 to 64, NNCF's to 63.

    TFLite's kernels never saturate. Bias correction stands or falls with the exact step: another step rounds otherwise.
    """
    per_channel = settings.weights == "per-channel"
    paired = format_ in ("onnx", "openvino") and per_channel and saturates(target)
    reduced = {"onnx": 64, "openvino": 63} if saturates(target) and not paired else {}
    return Scheme(
        weight_steps=reduced.get(format_, STEPS),
        per_channel=per_channel,
        symmetric=settings.activations == "symmetric",
        paired=paired,
    )


Change = Callable[[Mapping[fx.Node, Any]], Tensor]

ChannelRanges = tuple[Tensor, Tensor]
"""Smallest and largest value of every channel of a tensor, or of the channels that share its scale: ``(C,)`` each."""


def quantized_weight(weight: Tensor, scheme: Scheme, depthwise: bool = False) -> Tensor:
    """The weight, ``(out, ...)``, rounded to what its integers stand for."""
    if scheme.paired:
        largest = largest_weight(weight, depthwise)
    elif scheme.per_channel:
        largest = weight.flatten(1).abs().amax(1)
    else:
        largest = weight.abs().max().expand(len(weight))
    scale = (largest.clamp(min=1e-12) / scheme.weight_steps).reshape(-1, *[1] * (weight.dim() - 1))
    return torch.clamp(torch.round(weight / scale), -scheme.weight_steps, scheme.weight_steps) * scale


def quantized_values(values: Tensor, low: float, high: float, symmetric: bool) -> Tensor:
    """Activations rounded to 8 bits over ``[low, high]``, which is widened to hold zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(-low, high, 1e-12) / 127 if symmetric else max(high - low, 1e-12) / 255
    zero, first, last = (0, -128, 127) if symmetric else (round(-low / scale), 0, 255)
    # What torch.fake_quantize_per_tensor_affine computes, in a third of its time: it also says which values it clips.
    inverse = float(torch.tensor(1.0) / torch.tensor(scale))
    return (values * inverse).add_(zero).round_().clamp_(first, last).sub_(zero).mul_(scale)


def quantized_channels(values: Tensor, ranges: ChannelRanges, floor: float, symmetric: bool) -> Tensor:
    """As :func:`quantized_values`, with a range for every channel, ``(N, C, ...)``, cut below at ``floor``."""
    shape = (1, -1, *[1] * (values.dim() - 2))
    low, high = ranges[0].clamp(min=floor, max=0.0).reshape(shape), ranges[1].clamp(min=0.0).reshape(shape)
    if symmetric:
        scale, zero, first, last = torch.maximum(-low, high).clamp(min=1e-12) / 127, torch.zeros(()), -128, 127
    else:
        scale = (high - low).clamp(min=1e-12) / 255
        zero, first, last = torch.round(-low / scale), 0, 255
    return (torch.round(values / scale) + zero).clamp_(first, last).sub_(zero).mul_(scale)


class Runner:
    """Calls the nodes of a graph one by one on values that the caller keeps."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        self.graph = graph_module.graph
        self.modules = dict(graph_module.named_modules())
        self._interpreter = fx.Interpreter(graph_module)
        self._last = {given: node for node in self.graph.nodes for given in node.all_input_nodes}

    def layer(self, node: fx.Node) -> nn.Module | None:
        """The module that a node calls."""
        return self.modules.get(str(node.target)) if node.op == "call_module" else None

    def weighted(self, node: fx.Node) -> nn.Conv2d | nn.Linear | None:
        """The convolution or linear layer that a node calls."""
        layer = self.layer(node)
        return layer if isinstance(layer, (nn.Conv2d, nn.Linear)) else None

    def call(self, node: fx.Node, values: Mapping[fx.Node, Any], weight: Tensor | None = None) -> Any:
        """What a node makes of the values of others, perhaps with another weight."""
        args, kwargs = fx.map_arg((node.args, node.kwargs), lambda given: values[given])
        layer = self.weighted(node)
        if weight is not None and layer is not None:
            return torch.func.functional_call(layer, {"weight": weight}, args, kwargs)
        return getattr(self._interpreter, node.op)(node.target, args, kwargs)

    def walk(
        self, inputs: Tensor, weights: Mapping[str, Tensor] | None = None
    ) -> Iterator[tuple[fx.Node, dict[fx.Node, Any]]]:
        """Run the graph, some layers with another weight: every node but the output in turn, when it has been called.

        With each come the values of what it read and of what later nodes read; the caller may put another in its place.
        """
        yield from self._through(list(self.graph.nodes), {}, inputs, weights or {})

    def walk_on(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> Iterator[tuple[fx.Node, dict[fx.Node, Any]]]:
        """Run the graph from behind a node on, with the values that a walk comes with there, or others in their place.

        A tensor that later nodes write into is written into: what the walk goes on with should be a copy then.
        """
        nodes = list(self.graph.nodes)
        yield from self._through(nodes[nodes.index(node) + 1 :], dict(values), None, {})

    def _through(
        self, nodes: Sequence[fx.Node], values: dict[fx.Node, Any], inputs: Tensor | None, weights: Mapping[str, Tensor]
    ) -> Iterator[tuple[fx.Node, dict[fx.Node, Any]]]:
        for node in nodes:
            if node.op == "output":
                return
            if node.op == "placeholder":
                values[node] = inputs
            else:
                values[node] = self.call(node, values, weights.get(str(node.target)))
            yield node, values
            for given in node.all_input_nodes:
                if self._last[given] is node:
                    values.pop(given, None)


class Simulation:
    """Runs a named network (``passes.name_layers``) with chosen layers quantized.

    A hard-swish that is written as a sum and a product is rounded like them: its input, its gate and its result.

    Args:
        network: its call_module nodes are called as the layers.
        layers: those of the network.
        inputs: ``(N, C, H, W)``, normalised; the ranges are taken over them.

    Attributes:
        scores: of the float network, ``(N, classes)``.
        macs: multiply-accumulates of an image, by the name of the convolution or linear layer.
        ranges: smallest and largest value of every float tensor.
        channels: ranges of the channels of a tensor that has several scales; one scale where it is not here.
    """

    def __init__(self, network: fx.GraphModule, layers: Sequence[Layer], inputs: Tensor, scheme: Scheme) -> None:
        self.runner = Runner(network)
        self.inputs, self.scheme = inputs, scheme
        self.layers = {layer.name: layer for layer in layers}
        self.macs: dict[str, int] = {}
        self.ranges: dict[fx.Node, tuple[float, float]] = {}
        self.channels: dict[fx.Node, ChannelRanges] = {}
        self._weights: dict[str, Tensor] = {}
        self._writes_in_place = False
        self.scores = self._run((), observe=True)

    def look_at(self, inputs: Tensor) -> None:
        """Simulate on other images from now on; the ranges stay."""
        self.inputs = inputs
        (scores,) = self.runner.graph.output_node().all_input_nodes
        with torch.no_grad():
            for node, values in self.runner.walk(inputs):
                if node is scores:
                    self.scores = values[node]

    def scores_with(self, quantized: Collection[str]) -> Tensor:
        """Scores with these layers in int8: their inputs, weights and results."""
        return self._run(frozenset(quantized), observe=False)

    def noise(self, quantized: Collection[str]) -> float:
        """Sum of the squared errors of the scores with these layers in int8."""
        return float((self.scores_with(quantized).double() - self.scores.double()).square().sum())

    def noises_of(self, changes: Mapping[fx.Node, Collection[Change]]) -> Iterator[tuple[fx.Node, list[float]]]:
        """Sums of the squared errors of the scores with one result changed and all else in float.

        The network runs in float once, and only what is behind a node runs again for a change there.

        Args:
            changes: what comes in the place of a node's result, from the values that :meth:`Runner.walk` comes with;
                each alone.
        """
        with torch.no_grad():
            for node, values in self.runner.walk(self.inputs):
                if changes.get(node):
                    yield node, [self._noise_behind(node, values, change(values)) for change in changes[node]]

    def _noise_behind(self, node: fx.Node, values: Mapping[fx.Node, Any], changed: Tensor) -> float:
        (scores,) = self.runner.graph.output_node().all_input_nodes
        kept = tree_map_only(Tensor, Tensor.clone, dict(values)) if self._writes_in_place else values
        last: Mapping[fx.Node, Any] = {**kept, node: changed}
        for _, values_there in self.runner.walk_on(node, last):
            last = values_there
        return float((last[scores].double() - self.scores.double()).square().sum())

    def group(self, name: str) -> tuple[str, ...]:
        """A layer and the activation that runtimes fuse with it."""
        follower = self.follower(name)
        return (name,) if follower is None else (name, follower)

    def follower(self, name: str) -> str | None:
        """The activation that alone reads a convolution or linear layer."""
        layer = self.layers[name]
        return next(iter(follower(layer, self.layers)), None) if PRODUCTS & set(layer.kinds) else None

    def is_fused(self, name: str) -> bool:
        """True for a layer whose result is never stored: it is computed as one with its activation."""
        activation = self.follower(name)
        return activation is not None and not self.has_gate(activation)

    def is_group(self, node: fx.Node, activation: fx.Node) -> bool:
        """True where an activation belongs to the layer that another node calls."""
        name = str(node.target)
        return name in self.layers and self.follower(name) == str(activation.target)

    def has_gate(self, name: str) -> bool:
        """True for an activation that is written as a product with a gate of its own."""
        return hasattr(self.runner.modules.get(name), "gate")

    def is_quantized(self, node: fx.Node, quantized: Collection[str]) -> bool:
        """True for a tensor that is rounded when these layers are in int8: one that they make or read."""
        name = str(node.target)
        if node not in self.ranges or (node.op == "call_module" and name in self.layers and self.is_fused(name)):
            return False  # no float tensor, or computed as one with its activation
        return name in quantized or any(str(user.target) in quantized for user in node.users)

    def stored(self, node: fx.Node, values: Mapping[fx.Node, Any], quantized: Collection[str]) -> Tensor:
        """The result of a node as int8 stores it."""
        name, made = str(node.target), values[node]
        if name in quantized and self.has_gate(name):
            given = values[node.all_input_nodes[0]]
            layer = self.runner.modules[name]
            gate = quantized_values(layer.gate(given), 0.0, GATE, self.scheme.symmetric)
            made = layer(given, gate)
        low, high = self.ranges[node]
        floor = FLOOR if self._ends_at_floor(node, quantized) else -inf
        if node in self.channels:
            return quantized_channels(made, self.channels[node], floor, self.scheme.symmetric)
        return quantized_values(made, max(low, floor), high, self.scheme.symmetric)

    def _ends_at_floor(self, node: fx.Node, quantized: Collection[str]) -> bool:
        """True for what only activations with a gate read: below the floor the gate is zero."""
        readers = [str(user.target) for user in node.users]
        return bool(readers) and all(name in quantized and self.has_gate(name) for name in readers)

    def _run(self, quantized: Collection[str], observe: bool) -> Tensor:
        (scores,) = self.runner.graph.output_node().all_input_nodes
        with torch.no_grad():
            for node, values in self.runner.walk(self.inputs, self.rounded_weights(quantized)):
                if observe:
                    self._observe(node, values[node])
                    self._writes_in_place |= any(map(is_written_into, values.values()))
                elif self.is_quantized(node, quantized):
                    values[node] = self.stored(node, values, quantized)
        result = values[scores]
        assert isinstance(result, Tensor)
        return result

    def rounded_weights(self, quantized: Collection[str]) -> dict[str, Tensor]:
        """Rounded, of the layers among these that have any."""
        layers = {name: self.runner.modules.get(name) for name in quantized}
        for name, layer in layers.items():
            if name not in self._weights and isinstance(layer, (nn.Conv2d, nn.Linear)):
                self._weights[name] = quantized_weight(layer.weight.detach(), self.scheme, is_depthwise(layer))
        return {name: self._weights[name] for name in layers if name in self._weights}

    def _observe(self, node: fx.Node, made: Any) -> None:
        if isinstance(made, Tensor) and made.is_floating_point():
            low, high = made.aminmax()
            self.ranges[node] = (float(low), float(high))
            layer = self.runner.weighted(node)
            if layer is not None:
                self.macs[str(node.target)] = made[0].numel() * layer.weight[0].numel()


def is_written_into(value: Any) -> bool:
    """True for a tensor that an operator has changed since it was made."""
    return isinstance(value, Tensor) and value._version > 0  # noqa: SLF001 - there is no other way to tell


def evenly(inputs: Tensor, most: int) -> Tensor:
    """At most so many of the inputs, evenly spaced."""
    return inputs if len(inputs) <= most else inputs[torch.linspace(0, len(inputs) - 1, most).long()]


def weighted_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The convolutions and linear layers."""
    return tuple(layer for layer in layers if {"conv", "linear"} & set(layer.kinds))
