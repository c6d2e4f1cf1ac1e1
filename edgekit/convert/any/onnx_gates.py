"""Hard-swishes, divisions and means of a float ONNX model, in operators that ONNX Runtime has in int8.

Its HardSwish is a HardSigmoid and a product, and the first computes in float; so do divisions and means. As
``x * clip(x + 3, 0, 6) * 1/6`` all compute in int8, and the sixth goes into the weights of the layers that read it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ..onnx.readers import readers_of
from .onnx_float import gelus
from .onnx_plain import constant_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto, NodeProto, TensorProto

SIXTH = 1 / 6
SMALLEST = 1e-30
"""Divisor whose reciprocal float32 holds."""
LAYERS = {"Conv", "Gemm", "MatMul"}
"""Layers that are linear in their first input, with their weights as the second."""


def with_int8_gates(model: ModelProto) -> ModelProto:
    """The model, changed in place; its operators have names of their own."""
    store_constants(model)
    pool_means(model)
    split_hard_swishes(model)
    multiply_by_reciprocals(model)
    take_in_scales(model)
    return model


def store_constants(model: ModelProto) -> None:
    """Move what operators give that read nothing to where the other constants are."""
    from onnx import numpy_helper

    ends = ends_of(model)
    kept = []
    for node in model.graph.node:
        value = None if node.output[0] in ends else constant_of(node)
        if value is None:
            kept.append(node)
        else:
            model.graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    replace_nodes(model, kept)


def pool_means(model: ModelProto) -> None:
    """Write means of whole maps as global pools."""
    from onnx import helper, numpy_helper, shape_inference

    stored = stored_in(model)
    ranks = {}
    inferred = shape_inference.infer_shapes(model).graph
    for one in (*inferred.value_info, *inferred.input):
        ranks[one.name] = len(one.type.tensor_type.shape.dim)
    made: list[NodeProto] = []
    for node in model.graph.node:
        said = {one.name: one for one in node.attribute}
        axes = stored.get(node.input[1]) if node.op_type == "ReduceMean" and len(node.input) > 1 else None
        sides = [] if axes is None else sorted(int(axis) % 4 for axis in numpy_helper.to_array(axes))
        if ranks.get(node.input[0] if node.input else "") != 4 or sides != [2, 3]:
            made.append(node)
            continue
        flat = "keepdims" in said and not said["keepdims"].i
        pooled = f"{node.output[0]}_pooled" if flat else node.output[0]
        made.append(helper.make_node("GlobalAveragePool", [node.input[0]], [pooled], node.name))
        if flat:
            made.append(helper.make_node("Flatten", [pooled], [node.output[0]], f"{node.output[0]}_flat"))
    replace_nodes(model, made)


def split_hard_swishes(model: ModelProto) -> None:
    """Write hard-swishes as sums and products."""
    from onnx import helper

    ends, readers = ends_of(model), readers_of(model)
    made: list[NodeProto] = []
    gone: set[str] = set()
    for node in model.graph.node:
        whole = product_of(node, readers, ends)
        if whole is None:
            made += [] if node.output[0] in gone else [node]
            continue
        given, result = node.input[0], whole.output[0]
        three, zero, six, sixth = (
            constant(model, f"{result}_{name}", value)
            for name, value in (("three", 3.0), ("zero", 0.0), ("six", 6.0), ("sixth", SIXTH))
        )
        sum_, gate, product = (f"{result}_{part}" for part in ("sum", "gate", "product"))
        made += [
            helper.make_node("Add", [given, three], [sum_], sum_),
            helper.make_node("Clip", [sum_, zero, six], [gate], gate),
            helper.make_node("Mul", [given, gate], [product], product),
            helper.make_node("Mul", [product, sixth], [result], node.name),
        ]
        gone.add(result)
    replace_nodes(model, made)


def product_of(node: NodeProto, readers: Mapping[str, list[NodeProto]], ends: set[str]) -> NodeProto | None:
    """The operator whose result is the hard-swish of a node's input: the node itself, or the product with its gate."""
    if node.op_type == "HardSwish":
        return node
    if node.op_type != "HardSigmoid" or node.output[0] in ends:
        return None
    said = {one.name: one.f for one in node.attribute}
    if not np.isclose(said.get("alpha", 0.2), SIXTH, rtol=1e-5) or said.get("beta", 0.5) != 0.5:
        return None
    behind = readers.get(node.output[0], [])
    if len(behind) != 1 or behind[0].op_type != "Mul":
        return None
    return behind[0] if Counter(behind[0].input) == Counter([node.input[0], node.output[0]]) else None


def multiply_by_reciprocals(model: ModelProto) -> None:
    """Write divisions by constants as products."""
    from onnx import helper, numpy_helper

    stored, readers = stored_in(model), readers_of(model)
    for place, node in enumerate(model.graph.node):
        if any(one.op_type == "Erf" for one in readers.get(node.output[0], ())):
            continue  # of a GELU, which ONNX Runtime knows by it
        if node.op_type != "Div" or node.input[1] not in stored or node.input[0] in stored:
            continue
        values = numpy_helper.to_array(stored[node.input[1]])
        if values.dtype != np.float32 or np.abs(values).min(initial=1.0) < SMALLEST:
            continue
        name = f"{node.output[0]}_reciprocal"
        model.graph.initializer.append(numpy_helper.from_array(np.float32(1) / values, name))
        model.graph.node[place].CopyFrom(helper.make_node("Mul", [node.input[0], name], [node.output[0]], node.name))


def take_in_scales(model: ModelProto) -> None:
    """Let layers take in the factor that all of what they read is multiplied by."""
    from onnx import numpy_helper

    ends, readers, stored = ends_of(model), readers_of(model), stored_in(model)
    whole = gelus(model)  # which ONNX Runtime knows by all of their parts
    kept: list[NodeProto] = []
    for node in model.graph.node:
        factor = None if node.name in whole else factor_of(node, stored)
        layers = readers.get(node.output[0], [])
        if factor is None or node.output[0] in ends or not all(takes_in(one, node.output[0], stored) for one in layers):
            kept.append(node)
            continue
        value = float(numpy_helper.to_array(stored[factor]).item())
        (given,) = (name for name in node.input if name != factor)
        for layer in layers:
            weights = numpy_helper.to_array(stored[layer.input[1]])
            name = f"{layer.output[0]}_scaled_weights"
            scaled = numpy_helper.from_array((weights * value).astype(np.float32), name)
            model.graph.initializer.append(scaled)
            layer.input[0], layer.input[1] = given, name
    replace_nodes(model, kept)


def factor_of(node: NodeProto, stored: Mapping[str, TensorProto]) -> str | None:
    """The name of the one number that a product multiplies what is computed by."""
    found = [name for name in node.input if name in stored]
    if node.op_type != "Mul" or len(found) != 1:
        return None
    one = stored[found[0]]
    return found[0] if int(np.prod(one.dims)) == 1 and len(one.dims) < 2 and one.data_type == one.FLOAT else None


def takes_in(layer: NodeProto, given: str, stored: Mapping[str, TensorProto]) -> bool:
    """Whether a layer reads ``given`` as its data alone, and its weights are constant."""
    if layer.op_type not in LAYERS or list(layer.input).count(given) != 1 or layer.input[0] != given:
        return False
    return layer.input[1] in stored and stored[layer.input[1]].data_type == stored[layer.input[1]].FLOAT


def ends_of(model: ModelProto) -> set[str]:
    """The names of what is read elsewhere than by the graph's own operators: outputs, what branches and loops read."""
    found = {end.name for end in model.graph.output}
    inner = [one.g for node in model.graph.node for one in node.attribute if one.HasField("g")]
    while inner:
        graph = inner.pop()
        found |= {end.name for end in graph.output} | {name for node in graph.node for name in node.input}
        inner += [one.g for node in graph.node for one in node.attribute if one.HasField("g")]
    return found


def replace_nodes(model: ModelProto, nodes: list[NodeProto]) -> None:
    """Give the graph these operators in place of its own, of which they may be."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def stored_in(model: ModelProto) -> dict[str, TensorProto]:
    """The constants by name."""
    return {one.name: one for one in model.graph.initializer}


def constant(model: ModelProto, name: str, value: float) -> str:
    """The name of a new constant."""
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    return name
