"""Global pooling under its own name: ``ReduceMean`` over height and width becomes ``GlobalAveragePool``.

torch.onnx decomposes the pooling into a mean. ONNX Runtime quantizes the pooling but not the mean, and its blocked
float layout goes through the pooling but not through the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def name_global_pools(model: ModelProto) -> int:
    """Rename in place; returns how many."""
    import onnx
    from onnx import numpy_helper

    known = onnx.shape_inference.infer_shapes(model).graph
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in (*known.value_info, *known.input)}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    changed = 0
    for node in model.graph.node:
        if node.op_type != "ReduceMean" or len(node.input) != 2 or not keeps_dims(node):
            continue
        if ranks.get(node.input[0]) != 4 or node.input[1] not in constants:
            continue
        axes = numpy_helper.to_array(constants[node.input[1]]).reshape(-1)
        if sorted(int(axis) % 4 for axis in axes) != [2, 3]:
            continue
        node.op_type = "GlobalAveragePool"
        del node.input[1]
        del node.attribute[:]
        changed += 1
    return changed


def keeps_dims(node: NodeProto) -> bool:
    """True when the reduced dimensions stay, with size 1 (the default)."""
    return all(attribute.i == 1 for attribute in node.attribute if attribute.name == "keepdims")
