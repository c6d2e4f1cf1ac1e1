"""A float ONNX file whose biases would overflow in int8's sums: they fit, and the file computes the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.int8.bias_room import LARGEST
from edgekit.convert.onnx.bias_room import make_room


@pytest.fixture
def model() -> onnx.ModelProto:
    """A convolution and a linear layer, a channel of each with next to no weights; weights the other way round."""
    generator = np.random.default_rng(0)
    shapes = {"w0": (6, 3, 1, 1), "w1": (4, 6), "w2": (4, 2)}
    constants = {name: generator.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    constants |= {f"b{n}": np.full(size, 2.0, np.float32) for n, size in enumerate((6, 4, 2))}
    constants["w0"][1] *= 1e-13
    constants["w1"][1] *= 1e-13
    constants["w2"] *= 1e-13
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w1", "b1"], ["g"], transB=1),
        helper.make_node("Gemm", ["g", "w2", "b2"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "asleep",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 4, 4))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (1, 2))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def scores(model: onnx.ModelProto) -> np.ndarray:
    image = np.random.default_rng(1).random((1, 3, 4, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})[0]


def test_biases_fit_and_the_file_computes_the_same(model) -> None:
    ranges = {"image": (0.0, 1.0), "f": (-1.0, 2.0), "g": (-1.0, 1.0)}
    before = scores(model)
    assert make_room(model, ranges) == 2
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    for name, step in (("w0", 1 / 255), ("w1", 3 / 255)):
        largest = np.abs(constants[name]).reshape(len(constants[name]), -1).max(1)
        assert (2.0 / (step * largest / 127)).max() <= LARGEST * 1.001
    assert np.abs(constants["w2"]).max() < 1e-11, "its output channels lie along the other axis"
    assert scores(model) == pytest.approx(before, rel=1e-3)
    assert make_room(model, ranges) == 0
