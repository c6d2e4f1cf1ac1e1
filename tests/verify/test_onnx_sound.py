"""ONNX files that cannot be computed are refused by the name of what is wrong, before a runtime sees them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgekit.errors import UsageError
from edgekit.verify.foreign import external_files
from edgekit.verify.onnx_file import read_onnx
from edgekit.verify.onnx_sound import LARGEST_FILE, check_graph, read_graph


def end(name: str, shape: tuple[int, ...] = (1, 4), kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(*nodes: onnx.NodeProto, given: tuple[onnx.ValueInfoProto, ...] = (), opset: int = 17) -> ModelProto:
    """From ``x`` to ``y``, with a constant ``large`` that is a shape of 2^34 elements."""
    large = numpy_helper.from_array(np.array([1, 2**34]), "large")
    graph = helper.make_graph(list(nodes), "g", list(given) or [end("x")], [end("y", ())], [large])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(kind: str, reads: str, writes: str, **more: object) -> onnx.NodeProto:
    return helper.make_node(kind, reads.split(), writes.split(), name=f"the {kind}", **more)


WRONG = {
    "a.onnx has a cycle: Relu 'the Relu' feeds Add 'the Add' feeds the first again": model(
        node("Add", "x b", "y"), node("Relu", "y", "b")
    ),
    "Neg 'the Neg' reads the tensor 'nowhere', which nothing makes": model(node("Neg", "nowhere", "y")),
    "the tensor 'y' is made twice, by Neg 'the Neg' too": model(node("Relu", "x", "y"), node("Neg", "x", "y")),
    "nothing makes its output 'y'": model(node("Relu", "x", "z")),
    r"has the operator com\.acme\.Fancy \(output 'y'\)": model(node("Fancy", "x", "y", domain="com.acme")),
    r"has the operator Fancy \(output 'y'\), which ONNX does not have": model(node("Fancy", "x", "y")),
    "has two operators of the name 'the Relu', and ONNX Runtime opens no such file": model(
        node("Relu", "x", "a"), node("Relu", "a", "y")
    ),
    r"has an input or output of the name 'x\\x1b', which holds what steers a terminal": model(
        node("Relu", "x\x1b", "y"), given=(end("x\x1b"),)
    ),
    r"has a name of 5,001 characters, 'xx.*; edgekit takes 4,000": model(
        node("Relu", "x" * 5001, "y"), given=(end("x" * 5001),)
    ),
    "has a name of 9,999 characters": model(node("Relu", "x", "t" * 9999), node("Relu", "t" * 9999, "y")),
    "has 300 inputs, and edgekit takes 256": model(
        node("Relu", "x", "y"), given=(end("x"), *(end(f"x{place}") for place in range(299)))
    ),
    "takes no inputs": model(node("Relu", "large", "y"), given=(end("large", (2,), TensorProto.INT64),)),
    "the input 'x' is text": model(node("Identity", "x", "y"), given=(end("x", (1,), TensorProto.STRING),)),
    "is written in opset 999": model(node("Relu", "x", "y"), opset=999),
    r"the tensor 'x' has the shape \[1, 1099511627776\]": model(node("Relu", "x", "y"), given=(end("x", (1, 2**40)),)),
    "the tensor 'z' has the shape": model(node("Expand", "x large", "z"), node("Relu", "z", "y"),
                                          given=(end("x", (1, 1)),)),
    "the tensor 'c' has the shape": model(node("ConstantOfShape", "large", "c"), node("Add", "x c", "y")),
}  # fmt: skip


@pytest.mark.parametrize("text", list(WRONG))
def test_what_cannot_be_computed(text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        check_graph(WRONG[text], "a.onnx")
    assert caught.value.hint


def test_what_can_be() -> None:
    """Old runtimes' operators, any order, an operator that a branch reads from outside."""
    branches = [
        helper.make_graph([helper.make_node(kind, ["x"], [kind])], kind, [], [end(kind)]) for kind in ("Relu", "Neg")
    ]
    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    check_graph(model(chosen, node("Scale", "s", "c"), node("Affine", "x", "s")), "a.onnx")
    constants = [helper.make_node("Constant", [], [name], name="same", value_float=1.0) for name in ("one", "two")]
    check_graph(model(*constants, node("Sum", "x one two", "y")), "a.onnx")


def test_what_is_no_model(tmp_path: Path) -> None:
    for name, content in (("text", b"<html>not found</html>"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=rf"{name} \({len(content)} bytes\)"):
            read_graph(tmp_path / name)
    with (tmp_path / "large").open("wb") as file:
        os.truncate(file.fileno(), LARGEST_FILE + 1)  # takes no room
    with pytest.raises(UsageError, match=r"large has 2\.1 GB, and an ONNX file holds 2 GB at most"):
        read_graph(tmp_path / "large")


def test_weights_outside_that_end_too_early(tmp_path: Path) -> None:
    """The tensor is named; what fits is read without its weights, but with the shapes among them."""
    weight = numpy_helper.from_array(np.ones((40, 50), np.float32), "weight")
    shape = numpy_helper.from_array(np.array([5, 10]), "shape")
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["m"]), helper.make_node("Reshape", ["m", "shape"], ["y"])]
    graph = helper.make_graph(nodes, "g", [end("x", (1, 40))], [end("y", (5, 10))], [weight, shape])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "net.onnx"
    onnx.save_model(made, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert external_files(path) == ("net.data",)
    shapes = {tensor.name: (tensor.shape, tensor.bytes) for tensor in read_onnx(path).tensors}
    assert shapes["weight"] == ((40, 50), 8000)
    assert shapes["y"] == ((5, 10), None)
    os.truncate(tmp_path / "net.data", 100)
    with pytest.raises(UsageError, match=r"the tensor 'weight' ends at byte 8000 of net\.data, which has 100"):
        external_files(path)


OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
ONE = helper.make_node("Relu", ["a"], ["b"])


def function(number: int, *calls: int) -> onnx.FunctionProto:
    """``F<number>``, which calls the others one after another."""
    names = ["a", *(f"t{place}" for place in range(1, len(calls))), "b"]
    steps = [
        helper.make_node(f"F{called}", [before], [after], domain="own")
        for called, before, after in zip(calls, names, names[1:], strict=False)
    ]
    return helper.make_function("own", f"F{number}", ["a"], ["b"], steps or [ONE], OPSETS)


def saved_with(path: Path, first: int, *functions: onnx.FunctionProto) -> Path:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    call = helper.make_node(f"F{first}", ["x"], ["y"], domain="own")
    graph = helper.make_graph([call], "g", ends[:1], ends[1:])
    onnx.save_model(helper.make_model(graph, functions=functions, opset_imports=OPSETS, ir_version=8), path)
    return path


def test_functions_that_double_each_other(tmp_path: Path) -> None:
    """Sixteen mean 65,536 operators, seventeen twice as many, and a hundred more than can be counted out."""
    chain = [function(0), *(function(number, number - 1, number - 1) for number in range(1, 101))]
    assert external_files(saved_with(tmp_path / "a.onnx", 16, *chain[:17])) == ()
    for last in (17, 100):
        path = saved_with(tmp_path / f"{last}.onnx", last, *chain[: last + 1])
        with pytest.raises(UsageError, match=r"\.onnx has more than 100,000 operators, its functions unfolded"):
            external_files(path)


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    for functions in ([function(0, 0)], [function(0, 1), function(1, 2), function(2, 0)]):
        with pytest.raises(UsageError, match=r"a\.onnx has the function 'F[0-2]', which calls itself"):
            external_files(saved_with(tmp_path / "a.onnx", 0, *functions))


def test_a_long_chain_is_none_of_these(tmp_path: Path) -> None:
    """Deeper than Python's own stack."""
    chain = [function(0), *(function(number, number - 1) for number in range(1, 3000))]
    assert external_files(saved_with(tmp_path / "a.onnx", 2999, *chain)) == ()
