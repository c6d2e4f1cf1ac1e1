"""ONNX files of others, made ready: sizes written as -1, and GELUs that runtimes know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.any.onnx_file import ready_model
from edgekit.errors import UsageError


def file_of(folder: Path, nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], size: object) -> Path:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [size, 4, 8, 8])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [size, 4, 8, 8])
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "theirs", [given], [made], constants)
    path = folder / "theirs.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


def test_an_open_size_written_as_minus_one(tmp_path: Path) -> None:
    path = file_of(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], {}, -1)
    model, notes = ready_model(path, {"x": [2, 4, 8, 8]})
    shapes = [
        [dim.dim_value for dim in end.type.tensor_type.shape.dim] for end in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [[2, 4, 8, 8]] * 2
    assert notes == []


def test_weights_that_are_stored_in_int8_stay_so(tmp_path: Path) -> None:
    """Unless they are to be quantized anew."""
    nodes = [
        helper.make_node("Cast", ["stored"], ["large"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["large", "scale"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    path = file_of(tmp_path, nodes, {"scale": np.array(0.1)}, 1)
    theirs = onnx.load_model(path)
    kernel = np.random.default_rng(0).integers(-9, 9, (128, 4, 1, 1)).astype(np.int8)
    theirs.graph.initializer.append(numpy_helper.from_array(kernel, "stored"))
    theirs.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 128
    onnx.save_model(theirs, path)
    kept, notes = ready_model(path, {}, keep_stored=True)
    assert [node.op_type for node in kept.graph.node] == ["Cast", "Mul", "Conv"]
    assert notes == []
    floats, _ = ready_model(path, {})
    assert [node.op_type for node in floats.graph.node] == ["Conv"]


def test_a_gelu_before_a_convolution_stays_one(tmp_path: Path) -> None:
    """ONNX Runtime computes it as one operator only while all five of its parts are there."""
    nodes = [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["x", "c"], ["d"]),
        helper.make_node("Mul", ["d", "half"], ["e"]),
        helper.make_node("Conv", ["e", "w"], ["y"]),
    ]
    kernel = np.random.default_rng(0).random((4, 4, 1, 1))
    weights = {"root": np.array(2**0.5), "one": np.array(1.0), "half": np.array(0.5), "w": kernel}
    model, _ = ready_model(file_of(tmp_path, nodes, weights, 1), {})
    assert [node.op_type for node in model.graph.node] == ["Div", "Erf", "Add", "Mul", "Mul", "Conv"]
    (kept,) = [numpy_helper.to_array(one) for one in model.graph.initializer if one.dims == [4, 4, 1, 1]]
    assert np.array_equal(kept, kernel.astype(np.float32))


def values_of(model: onnx.ModelProto) -> np.ndarray:
    x = np.random.default_rng(1).standard_normal((1, 4, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"x": x})
    return np.asarray(made)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scales", [(2.0, 2.0), (1.5, 1.75), (0.5, 0.75)])
@pytest.mark.parametrize(("kind", "opset"), [("Resize", 10), ("Upsample", 9)])
def test_an_old_resize_takes_the_pixels_that_it_took(
    kind: str, opset: int, scales: tuple[float, float], mode: str, tmp_path: Path
) -> None:
    if kind == "Upsample" and min(scales) < 1:
        return
    weights = {"scales": np.array([1, 1, *scales])}
    path = file_of(tmp_path, [helper.make_node(kind, ["x", "scales"], ["y"], mode=mode)], weights, 1)
    theirs = onnx.load_model(path)
    theirs.opset_import[0].version, theirs.ir_version = opset, 5
    theirs.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save_model(theirs, path)
    made, notes = ready_model(path, {})
    assert notes == []
    np.testing.assert_allclose(values_of(made), values_of(theirs), atol=1e-6)


def test_weights_among_the_inputs_do_not_keep_an_old_file_in_its_opset(tmp_path: Path) -> None:
    path = file_of(tmp_path, [helper.make_node("Conv", ["x", "w"], ["y"])], {"w": np.ones((4, 4, 1, 1))}, 1)
    theirs = onnx.load_model(path)
    theirs.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 4, 1, 1]))
    theirs.opset_import[0].version, theirs.ir_version = 7, 3
    onnx.save_model(theirs, path)
    made, notes = ready_model(path, {})
    assert notes == []
    assert made.opset_import[0].version == 18
    np.testing.assert_allclose(values_of(made), values_of(theirs), rtol=1e-5)


def test_functions_and_sparse_weights_are_written_out(tmp_path: Path) -> None:
    swish = [helper.make_node("Sigmoid", ["a"], ["s"]), helper.make_node("Mul", ["a", "s"], ["b"])]
    ours = helper.make_function("mine", "Swish", ["a"], ["b"], swish, [helper.make_opsetid("", 13)])
    kernel = helper.make_sparse_tensor(
        numpy_helper.from_array(np.array([1.0, 2.0, 3.0], np.float32), "w"),
        numpy_helper.from_array(np.array([0, 9, 20], np.int64), "places"),
        [8, 8],
    )
    other = helper.make_sparse_tensor(
        numpy_helper.from_array(np.array([1.0, 2.0], np.float32), ""),
        numpy_helper.from_array(np.array([[0, 1], [7, 7]], np.int64), "places"),
        [8, 8],
    )
    nodes = [
        helper.make_node("Swish", ["x"], ["h"], domain="mine"),
        helper.make_node("MatMul", ["h", "w"], ["m"]),
        helper.make_node("Constant", [], ["v"], sparse_value=other),
        helper.make_node("MatMul", ["m", "v"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8]) for name in "xy"]
    graph = helper.make_graph(nodes, "theirs", ends[:1], ends[1:], sparse_initializer=[kernel])
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("mine", 1)]
    theirs = helper.make_model(graph, opset_imports=imports, functions=[ours], ir_version=8)
    onnx.save_model(theirs, tmp_path / "theirs.onnx")
    made, _ = ready_model(tmp_path / "theirs.onnx", {})
    assert not made.functions
    assert {node.domain for node in made.graph.node} == {""}
    np.testing.assert_allclose(values_of(made), values_of(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("domain", "said"), [("com.microsoft", "which ONNX Runtime alone has"), ("ai.onnx.ml", "which is not ONNX's own")]
)
def test_operators_of_other_domains_are_named(domain: str, said: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, [helper.make_node("Gelu", ["x"], ["y"], domain=domain)], {}, 1)
    with pytest.raises(UsageError, match=rf"the file has the operator {domain}\.Gelu, {said}"):
        ready_model(path, {})


@pytest.mark.parametrize("axis", [None, 1, 2, 3, -1])
def test_an_old_hardmax_chooses_among_what_it_chose(axis: int | None, tmp_path: Path) -> None:
    """Before opset 13 it saw two dimensions, all from the axis on as one; ONNX's converter changes Softmax alone."""
    kind = {} if axis is None else {"axis": axis}
    path = file_of(tmp_path, [helper.make_node("Hardmax", ["x"], ["y"], **kind)], {}, 2)
    model, notes = ready_model(path, {"x": [2, 4, 8, 8]})
    assert notes == []
    x = np.random.default_rng(0).normal(size=(2, 4, 8, 8)).astype(np.float32)
    old, new = (
        onnxruntime.InferenceSession(what, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for what in (str(path), model.SerializeToString())
    )
    assert np.array_equal(old, new)
    assert model.opset_import[0].version >= 13


def test_an_output_of_another_rank_than_the_file_says(tmp_path: Path) -> None:
    """As an exporter writes it that looks at one size alone."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Shape", ["product"], ["sizes"]),
        helper.make_node("Add", ["sizes", "none"], ["same"]),
        helper.make_node("Abs", ["same"], ["shape"]),
        helper.make_node("Reshape", ["product", "shape"], ["y"]),
    ]
    path = file_of(tmp_path, nodes, {"w": np.ones((8, 4), np.float32)}, "open")
    model = onnx.load_model(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(4, np.int64), "none"))
    del model.graph.output[0].type.tensor_type.shape.dim[1:]
    onnx.save_model(model, path)
    made, _ = ready_model(path, {"x": (1, 4, 8, 8)})
    onnx.checker.check_model(made, full_check=True)
    assert [dim.dim_value for dim in made.graph.output[0].type.tensor_type.shape.dim] == [1, 4, 8, 4]
