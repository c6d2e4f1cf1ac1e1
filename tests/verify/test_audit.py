"""A file that is not what it claims is caught: real files, made wrong on purpose, seen by the real runtime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgekit.bench.launch import ThisMachine, ask_agent
from edgekit.catalog import profile_for
from edgekit.types import ONNX_IR, Artifact, TensorSpec
from edgekit.types.answers import InspectAnswer
from edgekit.verify.audit import audit

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
RUNTIMES = {".onnx": "onnxruntime", ".tflite": "litert", ".xml": "openvino"}


def facts(model: Path) -> InspectAnswer:
    request = {"runtime": RUNTIMES[model.suffix], "model": str(model), "threads": 1}
    return ask_agent(InspectAnswer, ThisMachine(), request, {}, 120, f"inspecting {model}")


def end(name: str, shape: tuple[int, ...], dtype: str = "float32") -> tuple[TensorSpec, ...]:
    return (TensorSpec(name=name, shape=shape, layout="NCHW" if len(shape) == 4 else "NC", dtype=dtype),)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a model as the exporter does, with the IR version that old runtimes read."""
    model.ir_version = ONNX_IR
    onnx.save_model(model, path)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory) -> Path:
    """Three convolutions and a linear layer as float ONNX."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
    path = tmp_path_factory.mktemp("audit") / "float.onnx"
    program = torch.onnx.export(
        network,
        (torch.zeros(1, 3, 16, 16),),
        dynamo=True,
        opset_version=18,
        input_names=["input"],
        output_names=["output"],
        verbose=False,
    )
    save(program.model_proto, path)
    return path


@pytest.fixture(scope="module")
def quantized(float_file):
    """Its QDQ form, without the convolutions of the given positions."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    class Reader:
        def __init__(self):
            self.rows = iter(np.random.default_rng(0).normal(size=(4, 1, 3, 16, 16)).astype(np.float32))

        def get_next(self):
            row = next(self.rows, None)
            return None if row is None else {"input": row}

    def make(*excluded: int) -> Path:
        path = float_file.with_name(f"int8-{excluded}.onnx")
        convs = [node.name for node in onnx.load_model(float_file).graph.node if node.op_type == "Conv"]
        quantize_static(
            float_file,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[convs[i] for i in excluded],
        )
        return path

    return make


ENDS = (end("input", (1, 3, 16, 16)), end("output", (1, 5)))


def test_int8_file_keeps_its_claims(quantized):
    path = quantized()
    result = audit(facts(path), path, profile_for("onnx", "int8"), *ENDS)
    assert result.passed, result.failures
    assert (result.int8_compute_ops, result.float_compute_ops) == (4, 0)
    assert result.ops["Conv"] == 3
    assert result.executed["QLinearConv"] == 3
    assert result.max_rank == 4


def test_a_concatenation_in_int8_is_none_in_float(tmp_path):
    """Its inputs begin with the result's scale, a float."""
    from onnxruntime.quantization import quantize_static

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), nn.Conv2d(16, 4, 1)

        def forward(self, x):
            return self.last(torch.cat([self.first(x), self.second(x)], 1)).mean((2, 3))

    torch.manual_seed(0)
    path = tmp_path / "float.onnx"
    program = torch.onnx.export(
        Joined().eval(), (torch.zeros(1, 3, 16, 16),), dynamo=True, input_names=["input"], verbose=False
    )
    save(program.model_proto, path)
    rows = iter([{"input": np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)}])
    quantize_static(path, tmp_path / "int8.onnx", type("Reader", (), {"get_next": lambda _: next(rows, None)})())
    path = tmp_path / "int8.onnx"
    names = [port.name for port in facts(path).outputs]
    result = audit(facts(path), path, profile_for("onnx", "int8"), ENDS[0], end(names[0], (1, 4)))
    assert result.executed["QLinearConcat"] == 1
    assert "QLinearConcat" not in result.float_ops


def test_reorders_of_the_runtime_are_counted_apart(float_file):
    result = audit(facts(float_file), float_file, profile_for("onnx", "fp32"), *ENDS)
    assert result.reorders == result.executed.get("ReorderInput", 0) + result.executed.get("ReorderOutput", 0) > 0
    assert result.transposes == 0


@pytest.mark.parametrize("excluded", [(0,), (0, 2)])
def test_convolution_left_in_float_is_named(quantized, excluded):
    path = quantized(*excluded)
    result = audit(facts(path), path, profile_for("onnx", "int8"), *ENDS)
    (failure,) = result.failures
    assert failure.startswith(f"{len(excluded)} of 4 convolutions and matrix products execute in float, first ")
    assert sum(count for op, count in result.float_ops.items() if "Conv" in op) == len(excluded)


def test_declared_float_layer_is_accepted_and_no_other(float_file, quantized):
    """With the last convolution left in float on purpose, the first may not be; and it has to be in float."""
    first, _, last = [n for n in onnx.load_model(float_file).graph.node if n.op_type == "Conv"]
    profile = profile_for("onnx", "int8")

    def failures(path, *kept, count):
        names = frozenset(name for node in kept for name in (node.name, *node.output))
        return audit(facts(path), path, profile, *ENDS, names, count).failures

    assert failures(quantized(0), first, count=1) == ()
    fewer, in_int8 = failures(quantized(0), first, last, count=2)
    assert fewer == "1 convolutions and matrix products stay in float, where 2 are to"
    assert in_int8.startswith("1 operators that are to stay in float compute in int8, first node_conv2d_2")
    astray, missing, in_int8 = failures(quantized(0), last, count=1)
    assert astray.startswith("1 of 4 convolutions and matrix products execute in float")
    assert missing == "0 convolutions and matrix products stay in float, where 1 are to"
    assert in_int8.startswith("1 operators that are to stay in float compute in int8")


def test_float_model_that_claims_int8(float_file):
    result = audit(facts(float_file), float_file, profile_for("onnx", "int8"), *ENDS)
    assert result.failures[0].startswith("4 of 4 convolutions and matrix products execute in float, first ")
    assert "no convolution or matrix product executes in int8" in result.failures


def test_int8_model_that_claims_float(quantized):
    path = quantized()
    result = audit(facts(path), path, profile_for("onnx", "fp32"), *ENDS)
    assert any("bytes of int8 constants in a fp32 artifact" in failure for failure in result.failures)


@pytest.mark.parametrize("format_", ["tflite", "openvino"])
def test_float_file_that_claims_fp16(format_):
    """Its three weights are in float32, however small they are; its biases may be."""
    folder = TINY / f"{format_}-fp32"
    artifact = Artifact.model_validate_json((folder / "manifest.json").read_text())
    model = folder / artifact.model_file
    (failure,) = audit(facts(model), model, profile_for(format_, "fp16"), artifact.inputs, artifact.outputs).failures
    assert failure.startswith("3 weight tensors are still float32, first ")


def test_float_onnx_file_that_claims_fp16(float_file):
    (failure,) = audit(facts(float_file), float_file, profile_for("onnx", "fp16"), *ENDS).failures
    assert failure.startswith("4 weight tensors are still float32, first ")


def test_one_weight_left_in_float32_is_named(float_file, tmp_path):
    """Half weights are found behind the casts to the type that the runtime computes in."""
    model = onnx.load_model(float_file)
    kept, *others = [node.input[1] for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    for stored in [t for t in model.graph.initializer if t.name in others]:
        values = onnx.numpy_helper.to_array(stored).astype(np.float16)
        half = onnx.numpy_helper.from_array(values, stored.name + "_half")
        model.graph.initializer.remove(stored)
        model.graph.initializer.append(half)
        model.graph.node.insert(0, onnx.helper.make_node("Cast", [half.name], [stored.name], to=onnx.TensorProto.FLOAT))
    path = tmp_path / "mixed.onnx"
    onnx.save_model(model, path)
    result = audit(facts(path), path, profile_for("onnx", "fp16"), *ENDS)
    assert result.failures == (f"1 weight tensors are still float32, first {kept}",)


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        (end("input", (1, 3, 16, 16), "uint8"), ENDS[1], "input input is float32, not uint8"),
        (ENDS[0], end("output", (1, 5), "int8"), "output output is float32, not int8"),
        (end("input", (1, 16, 16, 3)), ENDS[1], "input input is [1, 3, 16, 16], not [1, 16, 16, 3]"),
        (ENDS[0], end("output", (1, 6)), "output output is [1, 5], not [1, 6]"),
    ],
)
def test_wrong_claim_about_an_end(float_file, inputs, outputs, said):
    assert audit(facts(float_file), float_file, profile_for("onnx", "fp32"), inputs, outputs).failures == (said,)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({}, ()),
        ({"ir_version": 10}, ("IR version 10, where the profile has 8",)),
        ({"opset": 19}, ("opset 19, where the profile has 18",)),
    ],
)
def test_a_file_newer_than_its_profile_is_refused(float_file, tmp_path, versions, said):
    """Runtimes refuse IR versions and opsets that they do not know."""
    model = onnx.load_model(float_file)
    model.ir_version = versions.get("ir_version", model.ir_version)
    model.opset_import[0].version = versions.get("opset", model.opset_import[0].version)
    path = tmp_path / "newer.onnx"
    onnx.save_model(model, path)
    assert audit(facts(path), path, profile_for("onnx", "fp32"), *ENDS).failures == said


def test_rank_five_is_refused(tmp_path):
    class Shuffle(nn.Module):
        def forward(self, x):
            return x.reshape(1, 2, 3, 4, 4).transpose(1, 2).reshape(1, 6, 4, 4)

    path = tmp_path / "shuffle.onnx"
    program = torch.onnx.export(
        Shuffle().eval(),
        (torch.zeros(1, 6, 4, 4),),
        dynamo=True,
        opset_version=18,
        input_names=["input"],
        output_names=["output"],
        verbose=False,
    )
    save(program.model_proto, path)
    ends = (end("input", (1, 6, 4, 4)), end("output", (1, 6, 4, 4)))
    result = audit(facts(path), path, profile_for("onnx", "fp32"), *ends)
    assert result.max_rank == 5
    assert result.failures == ("a tensor of rank 5: GPU delegates take at most 4",)


@pytest.mark.parametrize("profile", ["tflite-int8", "tflite-fp32", "onnx-fp32", "openvino-fp32"])
def test_stored_artifacts_pass_again(profile):
    folder = TINY / profile
    artifact = Artifact.model_validate_json((folder / "manifest.json").read_text())
    way = profile_for(artifact.format, artifact.precision)
    if artifact.format == "onnx":  # the file was not written by the exporter
        way = way.model_copy(update={"opset": 20, "ir_version": 9})
    result = audit(
        facts(folder / artifact.model_file),
        folder / artifact.model_file,
        way,
        artifact.inputs,
        artifact.outputs,
    )
    assert result.passed, result.failures
    assert type(result).from_plain(json.loads(json.dumps(result.to_plain()))) == result


@pytest.mark.parametrize(("format_", "other"), [("tflite-fp32", "tflite"), ("openvino-fp32", "openvino")])
def test_float_file_that_claims_int8_in_the_other_formats(format_, other):
    folder = TINY / format_
    artifact = Artifact.model_validate_json((folder / "manifest.json").read_text())
    model = folder / artifact.model_file
    result = audit(facts(model), model, profile_for(other, "int8"), artifact.inputs, artifact.outputs)
    assert "no convolution or matrix product executes in int8" in result.failures
