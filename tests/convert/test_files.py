"""What lies in the files, read with the formats' own libraries."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgekit.base.target import host_target, saturates

pytestmark = pytest.mark.slow

FORMATS = ("onnx", "tflite", "openvino")


def onnx_weights(path) -> list[np.ndarray]:
    """The int8 weights of the convolutions and matrix products."""
    graph = onnx.load_model(path).graph
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    source = {n.output[0]: n for n in graph.node}
    found = []
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            quantized = source[node.input[1]]
            assert quantized.op_type == "DequantizeLinear"
            found.append(constants[quantized.input[0]])
    return found


def openvino_weights(path) -> list[np.ndarray]:
    """The int8 weights, those of depthwise convolutions with five dimensions."""
    import openvino

    ops = openvino.Core().read_model(path).get_ops()
    constants = [op for op in ops if op.get_type_name() == "Constant" and op.get_element_type().to_string() == "i8"]
    return [op.get_data() for op in constants if op.get_data().size > 1]


@pytest.mark.parametrize("target", ["x86-avx2", "x86-vnni"])
def test_onnx_weights_do_not_add_up_to_more_than_sums_hold(make, target):
    made = make("onnx", "int8", "float32", False, target)
    weights = onnx_weights(made.file)
    assert len(weights) == 54
    assert all(w.dtype == np.int8 for w in weights)
    assert max(np.abs(w.astype(int)).max() for w in weights) in (127, 128)
    dense = [w.astype(int).reshape(len(w), -1) for w in weights if w.ndim > 1 and w.shape[1] > 1]
    assert bool(max(largest_pair(w) for w in dense) <= 128) is (target == "x86-avx2")
    assert made.artifact.quantization["reduce_range"] is False
    assert ("within 128" in made.artifact.quantization["weights"]) is (target == "x86-avx2")
    assert made.artifact.target == target
    elsewhere = saturates(host_target()) and target == "x86-vnni"
    assert any("computed in float" in note for note in made.artifact.notes) is elsewhere


@pytest.mark.parametrize("target", ["x86-avx2", "x86-vnni"])
def test_openvino_weights_do_not_add_up_to_more_than_sums_hold(make, target):
    made = make("openvino", "int8", "float32", False, target)
    weights = openvino_weights(made.file)
    assert len(weights) == 54
    assert len([w for w in weights if w.ndim == 5]) == 11  # depthwise, multiplied in 32 bits
    assert max(np.abs(w.astype(int)).max() for w in weights if w.ndim < 5) in (127, 128)
    dense = [w.astype(int).reshape(len(w), -1) for w in weights if w.ndim < 5 and w.shape[1] > 1]
    assert bool(max(largest_pair(w) for w in dense) <= 128) is (target == "x86-avx2")
    assert made.artifact.quantization["reduce_range"] is False
    assert ("within 128" in made.artifact.quantization["weights"]) is (target == "x86-avx2")


def largest_pair(rows: np.ndarray) -> int:
    """The largest sum of two neighbours."""
    return int(np.abs(rows[:, 0 : rows.shape[1] // 2 * 2 : 2] + rows[:, 1::2][:, : rows.shape[1] // 2]).max())


def test_onnx_file(make):
    made = make("onnx", "fp32")
    model = onnx.load_model(made.file)
    onnx.checker.check_model(model, full_check=True)
    assert max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")) >= 18
    ops = [node.op_type for node in model.graph.node]
    assert ops.count("HardSwish") == 19
    assert "BatchNormalization" not in ops
    assert (model.graph.input[0].name, model.graph.output[0].name) == ("input", "logits")


def test_tflite_file(make):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(make("tflite", "fp32").file))
    interpreter.allocate_tensors()
    ops = [op["op_name"] for op in interpreter._get_ops_details()]
    assert ops.count("HARD_SWISH") == 19
    assert "BATCH_MATMUL" not in ops
    assert max(len(t["shape"]) for t in interpreter.get_tensor_details()) <= 4


@pytest.mark.parametrize("format_", FORMATS)
def test_fp16_is_half_the_size(make, format_):
    small, full = (make(format_, precision).artifact.size_bytes for precision in ("fp16", "fp32"))
    assert 0.45 < small / full < 0.65


@pytest.mark.parametrize("format_", FORMATS)
def test_the_ends_type_changes_nothing_but_the_ends(make, run, format_):
    """int8 and uint8 ends hold the same steps."""
    signed, unsigned = (make(format_, "int8", io) for io in ("int8", "uint8"))
    for end in ("inputs", "outputs"):
        one, other = (getattr(made.artifact, end)[0].quantization for made in (signed, unsigned))
        assert one.scale == pytest.approx(other.scale, rel=1e-6)
        assert one.zero_point + 128 == other.zero_point
    step = signed.artifact.outputs[0].quantization.scale
    np.testing.assert_allclose(run(signed), run(unsigned), atol=2.01 * step)
