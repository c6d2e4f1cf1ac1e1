"""Ifs of ONNX files: one branch where the condition is known, both where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.any.onnx_branches import with_both_branches, without_known_branches
from edgekit.convert.onnx_network.network import network_of
from edgekit.errors import UsageError

RNG = np.random.default_rng(0)


def ends(*names: str, shape: Any = (2, 3), kind: int = TensorProto.FLOAT) -> list[onnx.ValueInfoProto]:
    """Inputs or outputs."""
    return [helper.make_tensor_value_info(name, kind, shape) for name in names]


def branch(
    kind: str, by: float, given: str = "x", made: str = "made", inner: onnx.NodeProto | None = None
) -> onnx.GraphProto:
    """A graph that computes with a constant of its own; most have the same names inside."""
    nodes = [helper.make_node(kind, [given, "by"], [made])]
    nodes = nodes if inner is None else [*nodes, inner]
    last = nodes[-1].output[0]
    return helper.make_graph(nodes, "b", [], ends(last), [numpy_helper.from_array(np.float32(by), "by")])


def choice(condition: str, then: onnx.GraphProto, other: onnx.GraphProto, made: str) -> onnx.NodeProto:
    """An If."""
    return helper.make_node("If", [condition], [made], name=made, then_branch=then, else_branch=other)


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, Any]) -> onnx.ModelProto:
    """From ``x`` to ``y``."""
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", ends("x"), ends("y"), held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def values_of(model: onnx.ModelProto, x: Any) -> Any:
    """By ONNX Runtime."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def kinds(model: onnx.ModelProto) -> set[str]:
    """Of the operators."""
    return {node.op_type for node in model.graph.node}


def test_conditions_that_follow_from_the_shapes() -> None:
    """Also inside another branch, and where two branches use the same names."""
    rank = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Size", ["shape"], ["rank"]),
        helper.make_node("Equal", ["rank", "two"], ["flat"]),
    ]
    inner = choice("flat", branch("Sub", 3, "outer", "a"), branch("Mul", 7, "outer", "a"), "deep")
    nodes = [
        *rank,
        choice("flat", branch("Add", 1, made="outer", inner=inner), branch("Div", 5), "first"),
        choice("flat", branch("Mul", 2, "first"), branch("Div", 5, "first"), "second"),
        helper.make_node("Not", ["flat"], ["deeper"]),
        choice("deeper", branch("Sub", 9, "second"), branch("Add", 4, "second"), "y"),
    ]
    model = model_of(nodes, {"two": np.int64(2)})
    onnx.checker.check_model(model, full_check=True)
    x = RNG.standard_normal((2, 3), np.float32)
    made = without_known_branches(model)
    assert "If" not in kinds(made)
    onnx.checker.check_model(made, full_check=True)
    np.testing.assert_allclose(values_of(made, x), (x + 1 - 3) * 2 + 4, rtol=1e-5, atol=1e-6)


def test_conditions_that_depend_on_the_input() -> None:
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("Unsqueeze", ["positive", "axis"], ["asked"]),
        choice("asked", branch("Add", 1), branch("Mul", 2), "between"),
        choice("positive", branch("Sub", 3, "between"), branch("Add", 5, "between"), "y"),
    ]
    model = model_of(nodes, {"zero": np.float32(0), "axis": np.asarray([0])})
    assert kinds(without_known_branches(model)) >= {"If"}
    made = with_both_branches(model)
    assert "If" in kinds(model)  # the given one stays
    assert "If" not in kinds(made)
    onnx.checker.check_model(made, full_check=True)
    network = network_of(model, {"x": torch.ones(2, 3)}, "a.onnx")
    for x in (np.ones((2, 3), np.float32), -np.ones((2, 3), np.float32)):
        exact = values_of(model, x)
        np.testing.assert_allclose(values_of(made, x), exact)
        np.testing.assert_allclose(network(torch.from_numpy(x))[0], exact)


def test_branches_of_two_shapes_are_refused() -> None:
    """A Where would make one of them."""
    rows = helper.make_graph(
        [helper.make_node("ReduceMax", ["x"], ["row"], keepdims=1)], "b", [], ends("row", shape=(1, 1))
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        choice("positive", branch("Add", 1), rows, "y"),
    ]
    model = model_of(nodes, {"zero": np.float32(0)})
    with pytest.raises(UsageError, match=r"If \(output 'y'\), whose branches give \[2, 3\] and \[1, 1\]"):
        with_both_branches(model)
