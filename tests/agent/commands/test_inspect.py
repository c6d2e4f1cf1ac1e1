from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Ask = Callable[..., dict[str, Any]]


def test_onnxruntime_tells_its_kernels(ask: Ask) -> None:
    value = ask("inspect", "onnxruntime")
    assert [n["type"] for n in value["executed"]].count("Conv") == 2
    assert value["executed"][0]["inputs"][0] == "float32"
    assert (value["nodes"], value["tensors"], value["delegate"]) == ([], [], None)
    assert value["inputs"] == [
        {"name": "image", "shape": [1, 3, 8, 8], "dtype": "float32", "scale": None, "zero_point": None}
    ]


def test_openvino_tells_its_operators_and_kernels(ask: Ask) -> None:
    value = ask("inspect", "openvino")
    assert [n["type"] for n in value["nodes"]].count("Convolution") == 2
    convolutions = [n for n in value["executed"] if n["type"] == "Convolution"]
    assert len(convolutions) == 2
    assert {n["precision"] for n in convolutions} == {"float32"}
    weights = [t for t in value["tensors"] if t["constant"] and t["shape"] == [8, 3, 3, 3]]
    assert [t["bytes"] for t in weights] == [8 * 3 * 3 * 3 * 4]


def test_litert_tells_what_the_delegate_took(ask: Ask, tiny: Path) -> None:
    value = ask("inspect", "litert")
    assert value["delegate"] == {
        "name": "XNNPACK",
        "partitions": 1,
        "delegated": len(value["nodes"]),
        "undelegated": {},
    }
    quantized = ask("inspect", "litert", model=str(tiny / "tflite-int8" / "model.tflite"))
    assert quantized["delegate"]["partitions"] == 2
    assert quantized["delegate"]["undelegated"] == {"HARD_SWISH": 1}
    assert {n["type"]: n["delegated"] for n in quantized["executed"]}["HARD_SWISH"] is False
    assert quantized["inputs"][0]["scale"] == pytest.approx(0.003888, abs=1e-6)
    weights = [t for t in quantized["tensors"] if t["constant"] and t["shape"] == [8, 3, 3, 3]]
    assert [(t["dtype"], t["bytes"], t["channels"]) for t in weights] == [("int8", 216, 8)]


def test_names_that_steer_a_terminal_are_written_out(ask: Ask, tmp_path: Path) -> None:
    """As they are, they would be taken for a device that spoilt the answer."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], name="n\x1b[2J"),
        helper.make_node("Tanh", ["m"], ["y"], name="caf\xe9 \u202e"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in "xy"]
    weights = [numpy_helper.from_array(np.ones((8, 8), np.float32), "w")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    path = tmp_path / "names.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    expected = [r"n\x1b[2J", "caf\xe9 \\u202e"]
    assert [one["name"] for one in ask("inspect", "onnxruntime", model=str(path))["executed"]] == expected
    assert [one["name"] for one in ask("per_op", "onnxruntime", model=str(path), runs=2)["per_op"]] == expected
