"""From a traced network to a TFLite graph, on NHWC data, without a converter.

It knows the operators that light-weight convolutional networks are made of; a network with any other raises
:class:`NotWritable` and goes through litert-torch, which traces it four times (MobileNetV3: 13 CPU seconds, here 0.3).
The result is the same float network, operator by operator; parity is checked afterwards like any converter's.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from . import arithmetic, layers
from .graph import INPUT
from .writer import CHANNELS_LAST, NotWritable, Value, Writer


def write_tflite(network: nn.Module, shape: Sequence[int], dtype: str) -> bytes:
    """The TFLite file of a network in eval mode.

    Args:
        network: takes one NCHW tensor; traceable by torch.fx.
        shape: NCHW, with the batch.
        dtype: of the input: ``float32``, or ``uint8`` for a network that casts it.

    Raises:
        NotWritable: the network has something that this writer does not know.
    """
    lowering = Lowering(fx.symbolic_trace(network))
    graph = lowering.writer.graph
    n, c, h, w = shape
    graph.input = graph.tensor(INPUT, (n, h, w, c), dtype)
    lowering.run(Value(graph.input, (n, h, w, c), CHANNELS_LAST))
    return graph.to_bytes()


class Lowering(fx.Interpreter):
    """Runs a traced network on :class:`Value` and writes an operator wherever PyTorch would compute."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.extra_traceback = False  # a message is for users
        self.writer = Writer()

    def run_node(self, n: fx.Node) -> Any:
        """One node; its result is marked when several read it.

        What is written for it is named after the innermost module, which is how its layer is found again.
        """
        stack = n.meta.get("nn_module_stack") or {}
        self.writer.label = str(next(reversed(stack.values()))[0]) if stack else n.name
        result = super().run_node(n)
        return replace(result, shared=True) if isinstance(result, Value) and len(n.users) > 1 else result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A layer of torch.nn."""
        layer = self.fetch_attr(target)
        for kind, lower in MODULES.items():
            if type(layer) is kind and len(args) == 1 and not kwargs:
                return lower(self.writer, layer, args[0])
        raise NotWritable(f"{target}: {type(layer).__name__}")

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function; arithmetic on sizes is done at once."""
        if not any(isinstance(a, Value) for a in flat(args)):
            return target(*args, **kwargs)
        return self.call(FUNCTIONS.get(target), getattr(target, "__name__", str(target)), args, kwargs)

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A method of a tensor."""
        return self.call(METHODS.get(target), str(target), args, kwargs)

    def call(self, lower: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Lower a call whose arguments fit; any other is not known."""
        if lower is None:
            raise NotWritable(f"{self.writer.label}: {name}")
        try:
            inspect.signature(lower).bind(self.writer, *args, **kwargs)
        except TypeError as error:
            raise NotWritable(f"{self.writer.label}: {name}: {error}") from error
        return lower(self.writer, *args, **kwargs)

    def output(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ARG002
        """The network's one output, in PyTorch's order of dimensions."""
        (value,) = args
        if not isinstance(value, Value):
            raise NotWritable(f"the network returns {type(value).__name__}")
        self.writer.graph.output = self.writer.stored(value, tuple(range(len(value.shape)))).tensor
        return value


def flat(args: Any) -> list[Any]:
    """The arguments, sequences opened."""
    if isinstance(args, (tuple, list)):
        return [leaf for arg in args for leaf in flat(arg)]
    return [args]


MODULES: dict[type[nn.Module], Callable[[Writer, Any, Value], Value]] = {
    nn.Conv2d: layers.convolution,
    nn.Linear: layers.linear,
    nn.MaxPool2d: layers.max_pool,
    nn.AvgPool2d: layers.average_pool,
    nn.AdaptiveAvgPool2d: lambda to, layer, x: layers.global_average(to, x, layer.output_size),
    nn.ReLU: lambda to, _, x: arithmetic.relu(to, x),
    nn.ReLU6: lambda to, _, x: arithmetic.relu6(to, x),
    nn.Hardswish: lambda to, _, x: arithmetic.hard_swish(to, x),
    nn.Hardsigmoid: lambda to, _, x: arithmetic.hard_sigmoid(to, x),
    nn.Sigmoid: lambda to, _, x: arithmetic.sigmoid(to, x),
    nn.Identity: lambda to, _, x: arithmetic.same(to, x),
    nn.Dropout: lambda to, _, x: arithmetic.same(to, x),
    nn.Flatten: lambda to, layer, x: arithmetic.flatten(to, x, layer.start_dim, layer.end_dim),
}
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    operator.add: arithmetic.add,
    torch.add: arithmetic.add,
    operator.mul: arithmetic.multiply,
    torch.mul: arithmetic.multiply,
    operator.getitem: arithmetic.item,
    getattr: arithmetic.attribute,
    torch.cat: arithmetic.concatenate,
    torch.chunk: arithmetic.chunk,
    torch.flatten: arithmetic.flatten,
    torch.index_select: arithmetic.index_select,
    torch.mean: layers.mean,
    torch.relu: arithmetic.relu,
    torch.sigmoid: arithmetic.sigmoid,
    nn.functional.pad: arithmetic.zero_pad,
    nn.functional.relu: arithmetic.relu,
    nn.functional.relu6: arithmetic.relu6,
    nn.functional.hardswish: arithmetic.hard_swish,
    nn.functional.hardsigmoid: arithmetic.hard_sigmoid,
    nn.functional.adaptive_avg_pool2d: layers.global_average,
}
METHODS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "mul": arithmetic.multiply,
    "mean": layers.mean,
    "relu": arithmetic.relu,
    "sigmoid": arithmetic.sigmoid,
    "chunk": arithmetic.chunk,
    "flatten": arithmetic.flatten,
    "view": arithmetic.reshape,
    "reshape": arithmetic.reshape,
    "permute": arithmetic.permute,
    "transpose": arithmetic.transpose,
    "contiguous": arithmetic.in_order,
    "size": arithmetic.size,
    "float": arithmetic.to_float,
}
