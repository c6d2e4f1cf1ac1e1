"""What of an ONNX graph follows from its shapes and its small constants alone: sizes, and what is made of them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .onnx_plain import constant_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

SMALL = 1024
"""Elements of a value that may be made of sizes."""
COMPUTED = {
    "Abs", "Add", "And", "Cast", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Floor", "Gather",
    "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or",
    "Range", "ReduceProd", "Reshape", "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where",
}  # fmt: skip
"""Operators that sizes go through."""
Known = dict[str, "NDArray[Any]"]


def fold_small(model: ModelProto) -> tuple[ModelProto, Known]:
    """A copy in which sizes, and what follows from them, are constants; and the small constants by name.

    Args:
        model: with fixed input shapes.
    """
    from onnx import numpy_helper, shape_inference

    del model.graph.value_info[:]
    made = shape_inference.infer_shapes(model, data_prop=True)
    graph = made.graph
    shapes = {}
    for one in (*graph.input, *graph.value_info):
        dims = one.type.tensor_type.shape.dim
        if one.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[one.name] = tuple(dim.dim_value for dim in dims)
    shapes |= {one.name: tuple(one.dims) for one in graph.initializer}
    known: Known = {one.name: numpy_helper.to_array(one) for one in graph.initializer if prod(one.dims) <= SMALL}
    opsets = {one.domain: one.version for one in made.opset_import}
    ends = {one.name for one in graph.output}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        value = value_of(node, known, shapes, opsets)
        if value is None:
            graph.node.append(node)
            continue
        known[node.output[0]] = value
        if node.op_type == "Constant" or node.output[0] in ends:
            graph.node.append(node)
        else:
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    del graph.value_info[:]
    return made, known


def value_of(
    node: NodeProto, known: Known, shapes: dict[str, tuple[int, ...]], opsets: dict[str, int]
) -> NDArray[Any] | None:
    """What an operator makes, where that is small and known; else None."""
    from onnx.reference import ReferenceEvaluator

    if node.op_type == "Constant":
        value = constant_of(node)
        return value if value is not None and value.size <= SMALL else None
    if node.op_type in ("Shape", "Size") and node.input[0] in shapes:
        sizes = shapes[node.input[0]]
        ends = {one.name: one.i for one in node.attribute}
        found = sizes[ends.get("start", 0) : ends.get("end", len(sizes))]
        return np.asarray(prod(sizes) if node.op_type == "Size" else found, np.int64)
    given = [name for name in node.input if name]
    if node.op_type not in COMPUTED or not given or any(name not in known for name in given):
        return None
    if node.op_type in ("ConstantOfShape", "Expand") and prod(map(int, known[given[-1]].reshape(-1))) > SMALL:
        return None
    if node.op_type == "Range" and abs(known[given[1]] - known[given[0]]) > SMALL * abs(known[given[2]]):
        return None
    made: Any = ReferenceEvaluator(node, opsets=opsets).run(None, {name: known[name] for name in given})
    value = np.asarray(made[0])
    return value if value.size <= SMALL else None
