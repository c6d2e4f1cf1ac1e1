"""int8 weights without calibration: what the file holds, how it computes, and how it is asked for."""

from __future__ import annotations

import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import profile_for
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_matrix, choose_profiles
from edgekit.types.answers import InspectAnswer
from edgekit.verbs.export import export
from edgekit.verify.audit import broken_claims

NAMES = ["onnx-dynamic", "tflite-dynamic", "openvino-weight-only"]


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_weights_are_int8_and_the_ends_float(card_file, tmp_path, format_):
    (profile,) = choose_profiles(format_, dynamic_range=True)
    profile = profile.model_copy(update={"target": "x86-avx2"})
    float_ = profile_for(format_, "fp32").model_copy(update={"target": "x86-avx2"})
    made, plain = export([str(card_file)], [profile, float_], ExportOptions(out=tmp_path), print)
    assert made.status == "converted", made.error
    artifact, audit = made.artifact, made.artifact.audit
    total = audit.int8_compute_ops + audit.float_compute_ops
    assert audit.int8_weight_share > 0.7
    assert artifact.size_bytes < 0.6 * plain.artifact.size_bytes
    assert (artifact.inputs[0].dtype, artifact.outputs[0].dtype) == ("float32", "float32")
    assert artifact.calibration is None
    assert artifact.quantization["scheme"] == ("weight-only" if format_ == "openvino" else "dynamic-range")
    if format_ == "onnx":
        assert audit.executed["ConvInteger"] == audit.ops["ConvInteger"] > 50
        assert audit.int8_weight_ops == total
    if format_ == "tflite":
        depthwise = audit.ops["DEPTHWISE_CONV_2D"]
        assert audit.int8_weight_ops == total - depthwise
        assert not audit.undelegated.get("CONV_2D")
    if format_ == "openvino":
        assert audit.int8_compute_ops == 0  # and the plugin's convolutions read float weights
        assert "Convolution" in audit.executed or "GroupConvolution" in audit.executed


@pytest.mark.slow
def test_float_file_that_claims_int8_weights(card_file, tmp_path):
    """A profile that promises int8 weights fails on a file without."""
    (made,) = export([str(card_file)], [profile_for("tflite", "fp32")], ExportOptions(out=tmp_path), print)
    lists = dict.fromkeys(("nodes", "executed", "tensors", "inputs", "outputs"), ())
    facts = InspectAnswer(delegate=None, runtime_version="", settings={}, **lists)
    broken = broken_claims(made.artifact.audit, facts, profile_for("tflite", "dynamic"), (), ())
    assert broken == ["only 0% of the constants are int8"]


def test_profiles_of_the_option():
    assert [profile.name for profile in choose_profiles("all", dynamic_range=True)] == NAMES
    assert [profile.name for profile in choose_matrix(None, dynamic_range=True)] == NAMES
    assert [profile.precision for profile in choose_matrix(None)] == ["fp32", "int8"] * 3


def test_ranges_are_of_int8_alone():
    (profile,) = choose_profiles("onnx", int8=True, ranges="percentile")
    assert (profile.name, profile.quantization.ranges) == ("onnx-int8-ranges-percentile", "percentile")
    assert choose_profiles("onnx", int8=True, ranges="auto")[0].name == "onnx-int8"
    assert [p.name for p in choose_matrix("onnx", ranges="mse")] == ["onnx-fp32", "onnx-int8-ranges-mse"]


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        ({"int8": True, "dynamic_range": True}, "--int8 and --dynamic-range contradict each other"),
        ({"fp16": True, "dynamic_range": True}, "--fp16 and --dynamic-range contradict each other"),
        ({"dynamic_range": True, "io": "int8"}, "do not go together"),
        ({"dynamic_range": True, "ranges": "mse"}, "--ranges says how int8 is calibrated"),
        ({"int8": True, "ranges": "percentil"}, "unknown --ranges 'percentil'"),
    ],
)
def test_contradictions(asked, cause):
    with pytest.raises(UsageError, match=cause):
        choose_profiles("onnx", **asked)
