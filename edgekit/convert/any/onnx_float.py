"""What ONNX Runtime is faster at in float inside an int8 model.

It computes some operators in float alone, and fuses GELUs and layer norms in float alone: int8 tensors between their
parts would only go to int8 and back. Its int8 softmax is many times slower than that in float.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.listing import listing
from ..onnx.readers import readers_of
from .between import Placed, with_between

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
FLOAT_ALONE = {"Cos", "Div", "Erf", "Exp", "Log", "Pow", "Reciprocal", "Sin", "Sqrt"}
"""Operators of one value each, without int8 kernels."""
SLOW = {"LogSoftmax", "Softmax"}
"""Operators with int8 kernels that are slower than those in float."""


def faster_in_float(model: ModelProto, floats: Collection[str]) -> frozenset[str]:
    """Names of the operators that are to stay in float for speed, though the quantizer takes them.

    Args:
        model: in float; its operators have names.
        floats: names of the float tensors that are no constants.
    """
    graph = model.graph
    ends = {end.name for end in graph.output}
    alone = {node.name for node in graph.node if node.op_type in FLOAT_ALONE}
    slow = {node.name for node in graph.node if node.op_type in SLOW} | gelus(model)
    placed = [
        Placed(
            node.name,
            tuple(name for name in node.input if name in floats),
            tuple(name for name in node.output if name in floats),
            node.op_type in LAYERS or bool(ends & {*node.output}),
        )
        for node in graph.node
    ]
    return with_between(alone | slow, placed) - alone


def gelus(model: ModelProto) -> set[str]:
    """Names of the parts of ``x * 0.5 * (1 + erf(x / sqrt(2)))``, in the orders that exporters write it in."""
    from onnx import numpy_helper

    constants = {
        one.name: numpy_helper.to_array(one) for one in model.graph.initializer if len(one.dims) == 0 or one.dims == [1]
    }
    made = {name: node for node in model.graph.node for name in node.output}
    readers = readers_of(model)
    found: set[str] = set()
    for node in model.graph.node:
        if node.op_type != "Erf":
            continue
        scaled = made.get(node.input[0])
        plus = only(readers.get(node.output[0], ()), "Add")
        if scaled is None or plus is None or scaled.op_type not in ("Div", "Mul") or not has(plus, constants, 1.0):
            continue
        given = next((name for name in scaled.input if name not in constants), "")
        parts, last = [scaled, node, plus], plus
        while (product := only(readers.get(last.output[0], ()), "Mul")) is not None and len(parts) < 5:
            if given not in product.input and not has(product, constants, 0.5):
                half = next((made[name] for name in product.input if name in made and name != last.output[0]), None)
                if half is None or half.op_type != "Mul" or given not in half.input or not has(half, constants, 0.5):
                    break
                parts.append(half)
            parts.append(product)
            last = product
        found |= {part.name for part in parts}
    return found


def only(readers: Sequence[NodeProto], kind: str) -> NodeProto | None:
    """The only reader of a tensor, where it is of this kind."""
    return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None


def has(node: NodeProto, constants: Mapping[str, NDArray[Any]], value: float) -> bool:
    """Whether a node reads this number."""
    return any(name in constants and np.isclose(constants[name].item(), value) for name in node.input)


def note(model: ModelProto, names: Collection[str]) -> tuple[str, ...]:
    """A line on what stays in float for speed."""
    kinds = Counter(node.op_type for node in model.graph.node if node.name in names)
    return (f"in float, as ONNX Runtime is faster so: {listing(dict(kinds.most_common()))}",) if kinds else ()
