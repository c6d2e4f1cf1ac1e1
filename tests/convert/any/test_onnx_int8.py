"""int8 ONNX files of networks whose biases are written in several ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.convert.any.job import AnyJob, Nearness
from edgekit.convert.any.onnx import convert
from edgekit.forms.profiles import choose_profiles

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 6), (6,), (1,), (1, 1), (2, 6), (2, 1)])
def test_a_bias_of_any_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    bias, weight = RNG.standard_normal(shape, np.float32), RNG.standard_normal((8, 6), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 6])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    path = tmp_path / "theirs.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    (profile,) = choose_profiles("onnx", int8=True)
    sets: Any = RNG.standard_normal((4, 2, 8), np.float32)
    job = AnyJob(
        program=None,
        file=path,
        profile=profile,
        target="x86-avx2",
        sets=[sets],
        inputs=("x",),
        outputs=("y",),
        folder=tmp_path,
        judge=lambda *_: Nearness(0.0, 40.0, ()),
    )
    made = convert(replace(job, strict_int8=True))
    session = onnxruntime.InferenceSession(tmp_path / made.files[0], providers=["CPUExecutionProvider"])
    for row in sets:
        np.testing.assert_allclose(session.run(None, {"x": row})[0], row @ weight + bias, atol=0.15)
