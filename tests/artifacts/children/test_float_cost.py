"""What tensors in float cost: real files, timed in pairs."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.artifacts.children.float_cost import measure
from edgekit.artifacts.requests import FloatCostRequest
from edgekit.errors import ToolError
from edgekit.types import TensorSpec

INPUTS = (TensorSpec(name="x", shape=(1, 256), layout="NC", dtype="float32"),)


def file_of(path, products):
    weights = numpy_helper.from_array(np.eye(256, dtype=np.float32) * 0.5, "w")
    names = ["x", *(f"v{number}" for number in range(products))]
    nodes = [helper.make_node("MatMul", [a, "w"], [b]) for a, b in itertools.pairwise(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 256]) for name in ("x", names[-1])]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights])
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def request(*files):
    before, after, float32 = files
    return FloatCostRequest(format="onnx", before=before, after=after, float32=float32, inputs=(INPUTS, INPUTS, INPUTS))


def test_more_work_takes_more_time_and_the_same_the_same(tmp_path):
    short, long = (file_of(tmp_path / f"{count}.onnx", count) for count in (4, 80))
    cost = measure(request(short, long, long))
    assert cost.without.slower
    assert cost.without.ratio < 0.5
    assert 0.7 < cost.float32.ratio < 1.4
    assert cost.without.pairs == cost.float32.pairs >= 10


def test_a_file_that_does_not_load_is_an_error(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ToolError, match=r"cannot load .*broken\.onnx"):
        measure(request(broken, broken, broken))
