"""A mean over height and width under the name of the pooling that it is: the same values, and no other mean."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.onnx.pool import name_global_pools


def mean_model(axes: list[int], keepdims: int, rank: int = 4) -> onnx.ModelProto:
    shape = [1, 3, 4, 5, 2][:rank]
    node = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=keepdims)
    graph = helper.make_graph(
        [node],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * (rank if keepdims else rank - len(axes)))],
        [numpy_helper.from_array(np.array(axes, np.int64), "axes")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal(session.get_inputs()[0].shape).astype(np.float32)
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("axes", [[2, 3], [3, 2], [-1, -2], [2, -1]])
def test_a_spatial_mean_is_a_global_pooling(axes):
    model = mean_model(axes, 1)
    expected = run(model)
    assert name_global_pools(model) == 1
    assert [node.op_type for node in model.graph.node] == ["GlobalAveragePool"]
    onnx.checker.check_model(model)
    np.testing.assert_allclose(run(model), expected, rtol=1e-6)


@pytest.mark.parametrize(("axes", "keepdims", "rank"), [([2, 3], 0, 4), ([1, 2], 1, 4), ([3], 1, 4), ([2, 3], 1, 5)])
def test_other_means_stay(axes, keepdims, rank):
    model = mean_model(axes, keepdims, rank)
    before = model.SerializeToString()
    assert name_global_pools(model) == 0
    assert model.SerializeToString() == before
