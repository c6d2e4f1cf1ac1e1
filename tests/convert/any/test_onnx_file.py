"""ONNX files of others, made ready: sizes written as -1, and GELUs that runtimes know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.any.onnx_file import ready_model


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
