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
    x = RNG.standard_normal((4, 2, 8), np.float32)
    found = quantized(graph, x, tmp_path)
    for row, made in zip(x, found, strict=True):
        np.testing.assert_allclose(made, row @ weight + bias, atol=0.15)


def test_a_bias_that_two_layers_share(tmp_path: Path) -> None:
    """Its second copy must not take the name of what a layer makes."""
    weights = [RNG.standard_normal((4, 3, 1, 1), np.float32) for _ in range(2)]
    bias = RNG.standard_normal(4, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w0", "b"], ["b1"]),
            helper.make_node("Conv", ["x", "w1", "b"], ["b0"]),
            helper.make_node("Neg", ["b0"], ["turned"]),
            helper.make_node("Concat", ["b1", "turned"], ["y"], axis=1),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 5, 5])],
        [*(numpy_helper.from_array(one, f"w{place}") for place, one in enumerate(weights)),
         numpy_helper.from_array(bias, "b")],
    )  # fmt: skip
    x = RNG.standard_normal((4, 1, 3, 5, 5), np.float32)
    first, second = (np.einsum("nchw,dc->ndhw", x[:, 0], one[:, :, 0, 0]) + bias[:, None, None] for one in weights)
    exact = np.concatenate([first, -second], 1)[:, None]
    np.testing.assert_allclose(np.stack(quantized(graph, x, tmp_path)), exact, atol=0.2)


def quantized(graph: onnx.GraphProto, sets: Any, folder: Path) -> list[Any]:
    """What the int8 file of a graph of one input and one output makes of the inputs that calibrate it."""
    path = folder / "theirs.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    (profile,) = choose_profiles("onnx", int8=True)
    job = AnyJob(
        program=None,
        file=path,
        profile=profile,
        target="x86-avx2",
        sets=[sets],
        inputs=("x",),
        outputs=("y",),
        folder=folder,
        judge=lambda *_: Nearness(0.0, 40.0, ()),
    )
    made = convert(replace(job, strict_int8=True))
    session = onnxruntime.InferenceSession(folder / made.files[0], providers=["CPUExecutionProvider"])
    return [session.run(None, {"x": row})[0] for row in sets]


@pytest.mark.parametrize(("low", "high"), [(0.4, None), (None, -0.3), (-0.5, 0.5), (0.2, 0.6)])
def test_a_limit_that_zero_does_not_pass(low: float | None, high: float | None, tmp_path: Path) -> None:
    weight = RNG.standard_normal((4, 3, 1, 1), np.float32)
    limits = {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"]),
            helper.make_node("Clip", ["a", *(name if name in limits else "" for name in ("low", "high"))], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 5, 5])],
        [
            numpy_helper.from_array(weight, "w"),
            *(numpy_helper.from_array(np.float32(value), name) for name, value in limits.items()),
        ],
    )
    x = RNG.standard_normal((4, 1, 3, 5, 5), np.float32)
    exact = np.einsum("nchw,dc->ndhw", x[:, 0], weight[:, :, 0, 0])
    exact = np.clip(exact, -np.inf if low is None else low, np.inf if high is None else high)[:, None]
    np.testing.assert_allclose(np.stack(quantized(graph, x, tmp_path)), exact, atol=0.1)
