"""What ONNX files have in several ways, in the one that the later steps know: functions, sparse weights, old Resize."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, SparseTensorProto, TensorProto

LAST_ASYMMETRIC = 10
"""Resize takes pixels by their corners up to this opset, and by their centres where nothing else is said after it."""


def plain_model(model: ModelProto) -> ModelProto:
    """A model whose functions are written out and whose constants are dense; ``model`` may change."""
    from onnx import inliner

    if model.functions:
        model = inliner.inline_local_functions(model)
    graph = model.graph
    for sparse in graph.sparse_initializer:
        graph.initializer.append(dense(sparse, sparse.values.name))
    del graph.sparse_initializer[:]
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "sparse_value":
                value = dense(attribute.sparse_tensor, "")
                attribute.CopyFrom(tensor_attribute(value))
    return model


def mend_output_shapes(model: ModelProto) -> None:
    """Take the shapes of a model's outputs from its operators where the file says others, in place.

    What exporters write is not always what the operators make: -1 for an open size, or a dimension too few.
    """
    from onnx import shape_inference

    bare = type(model)()
    bare.CopyFrom(model)
    for one in bare.graph.output:
        one.type.tensor_type.ClearField("shape")
    found = {one.name: one.type.tensor_type for one in shape_inference.infer_shapes(bare, data_prop=True).graph.output}
    for one in model.graph.output:
        said, made = one.type.tensor_type.shape, found[one.name]
        for dim in said.dim:
            if dim.HasField("dim_value") and dim.dim_value < 1:
                dim.Clear()
        if made.HasField("shape") and len(made.shape.dim) != len(said.dim):
            said.CopyFrom(made.shape)
        for dim, inferred in zip(said.dim, made.shape.dim, strict=False):
            if inferred.HasField("dim_value"):
                dim.dim_value = inferred.dim_value


def dense(sparse: SparseTensorProto, name: str) -> TensorProto:
    """A sparse constant with its zeros; its places are counted through, or one number for each dimension."""
    from onnx import numpy_helper

    values, places = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    whole = np.zeros(tuple(sparse.dims), values.dtype)
    if places.ndim == 2:
        whole[tuple(places.T)] = values
    else:
        whole.reshape(-1)[places] = values
    return numpy_helper.from_array(whole, name)


def tensor_attribute(value: TensorProto) -> object:
    """The attribute ``value`` of a Constant."""
    from onnx import helper

    return helper.make_attribute("value", value)


def keep_corners(model: ModelProto, opset: int) -> None:
    """Have the Resizes of a model of an old ``opset``, which was brought to a new one, compute what they did, in place.

    ONNX's own converter leaves out how they took the pixels.
    """
    from onnx import helper, numpy_helper

    if opset > LAST_ASYMMETRIC:
        return
    known = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    known |= {node.output[0]: value for node in model.graph.node if (value := constant_of(node)) is not None}
    for node in model.graph.node:
        if node.op_type != "Resize" or any(one.name == "coordinate_transformation_mode" for one in node.attribute):
            continue
        node.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
        scales = known.get(node.input[2] if len(node.input) > 2 else "")
        smaller = scales is not None and bool((scales < 1).any())
        node.attribute.append(helper.make_attribute("nearest_mode", "ceil" if smaller else "floor"))


def constant_of(node: NodeProto) -> np.ndarray | None:
    """The value of a Constant of numbers; None for any other operator."""
    from onnx import helper, numpy_helper

    if node.op_type != "Constant" or not node.attribute:
        return None
    value = helper.get_attribute_value(node.attribute[0])
    if node.attribute[0].name == "value":
        return numpy_helper.to_array(value)
    kind = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    return np.asarray(value, kind[node.attribute[0].name]) if node.attribute[0].name in kind else None
