"""The tensors inside a file: each figure is that of its own operator, and none stands for a layer that is fused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.verify.taps import Tapped, tap_onnx, tap_openvino

SHAPE = (1, 4, 5, 5)


def owners(name: str) -> set[str]:
    """The layer of an operator: what stands in front of the slash."""
    return {name.partition("/")[0]} if "/" in name else set()


@pytest.fixture
def sample() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


# OpenVINO


def saved(folder: Path, build: Callable) -> Path:
    """A file of what ``build`` makes of OpenVINO's operators and an input."""
    import openvino
    from openvino import opset13

    given = opset13.parameter(SHAPE, np.float32, name="input")
    openvino.save_model(openvino.Model(build(opset13, given), [given], "small"), folder / "model.xml", False)
    return folder / "model.xml"


def named(op, name: str):
    op.set_friendly_name(name)
    return op


def convolution(ops, source, layer: str, groups: int = 1):
    """A convolution without its bias; every output is the sum of its group's inputs."""
    if groups > 1:
        weights = np.ones((groups, 4 // groups, 4 // groups, 1, 1), np.float32)
        found = ops.group_convolution(source, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    else:
        found = ops.convolution(source, np.ones((4, 4, 1, 1), np.float32), [1, 1], [0, 0], [0, 0], [1, 1])
    return named(found, f"{layer}/Convolution")


def biased(ops, source, layer: str, bias: float, groups: int = 1):
    constant = ops.constant(np.full((1, 4, 1, 1), bias, np.float32))
    return named(ops.add(convolution(ops, source, layer, groups), constant), f"{layer}/Add")


def rounded(ops, source, name: str):
    low, high = np.float32(0), np.float32(25.5)
    return named(ops.fake_quantize(source, low, high, low, high, 256), name)


def values_of(tapped: Tapped, sample: np.ndarray) -> dict[str, np.ndarray]:
    values, _ = tapped.run(sample)
    return {tap.name: value for tap, value in zip(tapped.taps, values, strict=True)}


def test_a_tap_that_is_the_files_output_shifts_no_other(tmp_path, sample):
    """OpenVINO adds no output for it: those behind it would be counted one too far."""

    def build(ops, given):
        first = named(ops.multiply(given, np.float32(2)), "first/Multiply")
        # The last operator in the order of execution may be another than the one that is the output.
        side = named(ops.multiply(first, np.float32(3)), "side/Multiply")
        scores = named(ops.add(first, np.float32(1)), "scores/Add")
        return [scores, named(ops.multiply(side, np.float32(5)), "end/Multiply")]

    tapped = tap_openvino(saved(tmp_path, build), owners)
    found = values_of(tapped, sample)
    assert set(found) == {"first/Multiply", "side/Multiply", "scores/Add", "end/Multiply"}
    np.testing.assert_allclose(found["first/Multiply"], 2 * sample, rtol=1e-6)
    np.testing.assert_allclose(found["side/Multiply"], 6 * sample, rtol=1e-6)
    np.testing.assert_allclose(found["scores/Add"], 2 * sample + 1, rtol=1e-6)
    np.testing.assert_allclose(found["end/Multiply"], 30 * sample, rtol=1e-6)
    np.testing.assert_array_equal(tapped.run(sample)[1], found["scores/Add"])


def test_operators_of_one_name_are_told_apart(tmp_path, sample):
    """Friendly names are for people."""

    def build(ops, given):
        first = named(ops.multiply(given, np.float32(2)), "layer/aten")
        return [ops.negative(named(ops.multiply(first, np.float32(3)), "layer/aten"))]

    values, _ = tap_openvino(saved(tmp_path, build), owners).run(sample)
    for value, factor in zip(values, (2, 6), strict=True):
        np.testing.assert_allclose(value, factor * sample, rtol=1e-6)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_without_its_bias_stands_for_no_layer(tmp_path, sample, groups):
    """The addition is computed with the ReLU behind it; what is in front of it is not the layer's result."""

    def build(ops, given):
        first = rounded(ops, named(ops.relu(biased(ops, given, "conv", 7, groups)), "relu/Relu"), "relu/Relu/fq")
        return [biased(ops, first, "last", -3)]

    tapped = tap_openvino(saved(tmp_path, build), owners)
    assert [(tap.name, tap.dtype) for tap in tapped.taps] == [("relu/Relu", "8-bit"), ("last/Add", "float32")]
    found = values_of(tapped, sample)
    sums = np.repeat(sample.reshape(1, groups, 4 // groups, 5, 5).sum(2), 4 // groups, axis=1)
    relu = np.clip(np.round((sums + 7) * 10), 0, 255) / 10
    np.testing.assert_allclose(found["relu/Relu"], relu, atol=0.101)
    expected = found["relu/Relu"].sum(1, keepdims=True).repeat(4, axis=1) - 3
    np.testing.assert_allclose(found["last/Add"], expected, rtol=1e-4)


def test_a_layer_with_a_fused_end_is_not_seen_by_its_beginning(tmp_path):
    def build(ops, given):
        doubled = named(ops.multiply(given, np.float32(2)), "layer/Multiply")
        return [ops.relu(named(ops.add(doubled, np.float32(1)), "layer/Add"))]

    assert not tap_openvino(saved(tmp_path, build), owners).taps


def test_a_sum_of_two_convolutions_leaves_both_seen(tmp_path):
    """Only what is added before the network runs is a bias."""

    def build(ops, given):
        both = ops.add(convolution(ops, given, "left"), convolution(ops, given, "right"))
        return [named(both, "sum/Add")]

    found = [tap.name for tap in tap_openvino(saved(tmp_path, build), owners).taps]
    assert sorted(found) == ["left/Convolution", "right/Convolution", "sum/Add"]


def test_weights_behind_their_scale_are_no_result(tmp_path):
    def build(ops, given):
        stored = ops.convert(ops.constant(np.ones((4, 4, 1, 1), np.int8)), "f32")
        weights = named(ops.multiply(stored, np.float32(0.5)), "conv/Convolution/fq_weights_1")
        return [named(ops.convolution(given, weights, [1, 1], [0, 0], [0, 0], [1, 1]), "conv/Convolution")]

    assert [tap.name for tap in tap_openvino(saved(tmp_path, build), owners).taps] == ["conv/Convolution"]


# ONNX


def test_onnx_asks_for_its_own_output_too_and_for_no_part_of_a_fused_layer(tmp_path, sample):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = {"weights": np.eye(5, dtype=np.float32), "bias": np.full(5, 7, np.float32), "two": np.float32(2)}
    nodes = [
        helper.make_node("MatMul", ["input", "weights"], ["linear/product"]),
        helper.make_node("Add", ["linear/product", "bias"], ["linear/sum"]),
        helper.make_node("Relu", ["linear/sum"], ["relu/result"]),
        helper.make_node("Mul", ["relu/result", "two"], ["scores/result"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("scores/result", TensorProto.FLOAT, SHAPE)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, tmp_path / "model.onnx")
    tapped = tap_onnx(tmp_path / "model.onnx", owners)
    found = values_of(tapped, sample)
    assert list(found) == ["relu/result", "scores/result"]
    np.testing.assert_allclose(found["relu/result"], np.maximum(sample + 7, 0), rtol=1e-6)
    np.testing.assert_allclose(found["scores/result"], tapped.run(sample)[1])
