"""An ONNX graph as a PyTorch module: what does not depend on the inputs is computed once, the rest by steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..any.onnx_branches import with_both_branches
from ..any.onnx_file import QUANTIZED
from . import arithmetic, layers, recurrent, shapes
from .node import Node, NotKnown, Operator

if TYPE_CHECKING:
    from onnx import ModelProto

OPERATORS: Mapping[str, Operator] = {
    **arithmetic.OPERATORS, **shapes.OPERATORS, **layers.OPERATORS, **recurrent.OPERATORS
}  # fmt: skip
LINEAR = "Linear"
"""A product with a constant matrix, which runtimes compute and quantize as a layer."""


class OnnxNetwork(nn.Module):
    """Runs the steps of an ONNX graph; inputs and outputs in the graph's order.

    Args:
        steps: the operators that depend on the inputs, in order.
        constants: values that they read.
        inputs: names of the graph's.
        outputs: the same of them.
    """

    def __init__(
        self, steps: Sequence[Node], constants: Mapping[str, Tensor], inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        super().__init__()
        self.given, self.made = tuple(inputs), tuple(outputs)
        self.operators = [self.operator(step) for step in steps]
        used = {name for step in steps for name in step.inputs} | set(outputs)
        self.places = {name: f"constant_{place}" for place, name in enumerate(constants) if name in used}
        for name, place in self.places.items():
            self.register_buffer(place, constants[name])

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs."""
        values: dict[str, Any] = dict(zip(self.given, inputs, strict=True))
        values |= {name: getattr(self, place) for name, place in self.places.items()}
        for operator in self.operators:
            node = operator.node
            made = operator([values[name] if name else None for name in node.inputs])
            values |= zip(node.outputs, made, strict=False)
        return tuple(values[name] for name in self.made)

    def operator(self, step: Node) -> Op:
        """A module for an operator, called after its output, so that the converted file can name it."""
        name = re.sub(r"\W+", "_", step.outputs[0]).strip("_") or "_"
        while hasattr(self, name):
            name += "_"
        made = Op(step)
        self.add_module(name, made)
        return made


class Op(nn.Module):
    """One operator; its inputs come as a list, None for what is left out."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def forward(self, given: list[Any]) -> tuple[Tensor, ...]:
        """The outputs."""
        return applied(self.node, given)


def computed(node: Node, values: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The outputs of one operator."""
    return applied(node, [values[name] if name else None for name in node.inputs])


def applied(node: Node, given: list[Any]) -> tuple[Tensor, ...]:
    """The outputs of one operator for these inputs."""
    made = nn.functional.linear(*given) if node.kind == LINEAR else OPERATORS[node.kind](node, *given)
    return made if isinstance(made, tuple) else (made,)


def network_of(model: ModelProto, samples: Mapping[str, Tensor], name: str) -> OnnxNetwork:
    """The network of an ONNX model whose shapes are fixed.

    Args:
        model: simplified, no quantized operators.
        samples: a value of each input.
        name: of the file, for errors.

    Raises:
        UsageError: an operator, or the way in which it is used, has no counterpart; the first is named.
    """
    from onnx import numpy_helper

    model = with_both_branches(model)
    constants = {one.name: tensor_of(numpy_helper.to_array(one)) for one in model.graph.initializer}
    inputs = [one.name for one in model.graph.input if one.name not in constants]
    values: dict[str, Any] = {**constants, **samples}
    known = dict(constants)
    steps = []
    for node in nodes_of(model, known):
        values |= {one: known[one] for one in node.inputs if one in known}
        place = f"{name} has the operator {node.kind} (output {node.outputs[0]!r})"
        if node.kind in WITH_SCALES:
            raise UsageError(f"{place}: it is quantized, and its scales cannot be kept in TFLite", FLOAT_FILE)
        if node.kind not in OPERATORS and node.kind != LINEAR:
            raise UsageError(f"{place}, which edgekit cannot bring to PyTorch and so not to TFLite", REMEDY)
        try:
            with torch.no_grad():
                made = dict(zip(node.outputs, computed(node, values), strict=False))
        except NotKnown as error:
            raise UsageError(f"{place}, and edgekit cannot bring it to PyTorch: {error}", REMEDY) from error
        except Exception as error:  # a stranger's graph makes any function of PyTorch fail
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise UsageError(f"{place}, and PyTorch fails on it: {reason}", REMEDY) from error
        values |= made
        if node.kind == "Shape" or all(not one or one in known for one in node.inputs):
            known |= made
        else:
            steps.append(node)
    return OnnxNetwork(steps, known, inputs, [one.name for one in model.graph.output])


WITH_SCALES = QUANTIZED | {"DynamicQuantizeLinear"}
FLOAT_FILE = "give the float file that it was made from, with --int8; or keep the scales: --format onnx,openvino"
REMEDY = "export the network's PyTorch code (net.py), or take another format"


def nodes_of(model: ModelProto, known: dict[str, Tensor]) -> Iterable[Node]:
    """The operators, each with the inputs that are known when its turn has come."""
    from onnx import helper

    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
    for node in model.graph.node:
        attributes = {one.name: plain(helper.get_attribute_value(one)) for one in node.attribute}
        if node.op_type == "Constant":
            attributes = {"value": constant_of(attributes)}
        values = {place: known[name] for place, name in enumerate(node.input) if name in known}
        inputs, kind = list(node.input), node.op_type
        if kind == "MatMul" and 1 in values and 0 not in values and values[1].ndim == 2:
            kind, inputs[1] = LINEAR, f"{inputs[1]} transposed"
            known[inputs[1]] = values[1].t().contiguous()
        yield Node(kind, opset, tuple(inputs), tuple(node.output), attributes, values)


def plain(value: Any) -> Any:
    """An attribute's value: text for bytes, a tensor for a tensor."""
    from onnx import TensorProto, numpy_helper

    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return tensor_of(numpy_helper.to_array(value)) if isinstance(value, TensorProto) else value


def constant_of(attributes: Mapping[str, Any]) -> Tensor:
    """The value of a Constant, which has one of several attributes."""
    value = next(iter(attributes.values()))
    return value if isinstance(value, Tensor) else torch.tensor(value)


def tensor_of(array: Any) -> Tensor:
    """A tensor with memory of its own."""
    return torch.from_numpy(array.copy())
