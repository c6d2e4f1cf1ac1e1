"""Constants that no node reads go; those that a subgraph, an input or an output needs stay."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.onnx.unused import drop_unused


def constant(name: str, value: float = 2.0) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array([value], np.float32), name)


def tensor(name: str, kind: int = TensorProto.FLOAT, shape: tuple[int, ...] = (1,)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def branches() -> onnx.ModelProto:
    """``y`` is ``x * outer * inner`` or ``x``; ``given`` has a default, ``also`` is an output; none reads ``left``."""
    product = [helper.make_node("Mul", ["x", "outer"], ["p"]), helper.make_node("Mul", ["p", "inner"], ["q"])]
    then = helper.make_graph(product, "then", [], [tensor("q")], [constant("inner"), constant("left_inside")])
    keep = helper.make_graph([helper.make_node("Identity", ["x"], ["r"])], "else", [], [tensor("r")])
    choice = helper.make_node("If", ["if"], ["y"], then_branch=then, else_branch=keep)
    graph = helper.make_graph(
        [choice],
        "branches",
        [tensor("x"), tensor("if", TensorProto.BOOL, ()), tensor("given")],
        [tensor("y"), tensor("also")],
        [constant("outer", 3.0), constant("given"), constant("also", 7.0), constant("left")],
        value_info=[tensor("left")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(model: onnx.ModelProto, condition: bool) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([5], np.float32), "if": np.array(condition)})


def test_only_what_nothing_reads_goes():
    model = branches()
    before = [run(model, condition) for condition in (True, False)]
    assert sorted(drop_unused(model)) == ["left", "left_inside"]
    assert [one.name for one in model.graph.initializer] == ["outer", "given", "also"]
    assert not model.graph.value_info
    onnx.checker.check_model(model, full_check=True)
    assert [run(model, condition) for condition in (True, False)] == before
    assert before == [[[30.0], [7.0]], [[5.0], [7.0]]]
    assert drop_unused(model) == []


@pytest.mark.parametrize(
    "way",
    [
        ("onnx", "fp32"),
        ("onnx", "fp16"),
        ("onnx", "int8"),
        ("onnx", "int8", "uint8"),
        ("onnx", "int8", "int8"),
        ("onnx", "int8", "uint8", True),
        ("onnx", "dynamic"),
    ],
    ids=lambda way: "-".join(map(str, way)),
)
def test_the_runtime_finds_none_in_a_file(way, make, capfd):
    file = make(*way).file
    onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert "Removing initializer" not in capfd.readouterr().err
    assert drop_unused(onnx.load_model(file)) == []
