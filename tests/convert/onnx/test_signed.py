"""ONNX int8 for ARM's dot product: int8 activations that stand for the same numbers as the uint8 ones."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from edgekit.bench.launch import call_agent
from edgekit.catalog import profile_for
from edgekit.convert.job import Job
from edgekit.convert.onnx.convert import convert_onnx
from edgekit.convert.onnx.signed import wants_signed
from edgekit.types import Preprocessing, TargetClass

ROWS = torch.randn(8, 3, 12, 12, generator=torch.Generator().manual_seed(1))


class Network(nn.Module):
    """Clipped and unclipped maps, a constant beside a map, and a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.last = nn.Conv2d(16, 10, 1)
        self.shift = nn.Parameter(torch.linspace(-1, 1, 16).reshape(1, 16, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu6(self.first(x))
        made: Tensor = self.last(x + self.second(x) + self.shift)
        return made.mean((2, 3))


def exported(folder, target: TargetClass, io: str = "float32") -> onnx.ModelProto:
    """The int8 file for a target class."""
    folder.mkdir()
    base = profile_for("onnx", "int8")
    assert base.quantization is not None
    quantization = base.quantization.model_copy(update={"ranges": "min-max"})
    profile = base.model_copy(update={"io": io, "quantization": quantization})
    preprocessing = Preprocessing(resize=12, crop=12, mean=(0.0,) * 3, std=(1.0,) * 3)
    torch.manual_seed(3)
    with torch.no_grad():
        convert_onnx(Job(Network().eval(), profile, target, preprocessing, ROWS.numpy(), folder))
    return onnx.load_model(folder / "model.onnx")


def as_written(model: onnx.ModelProto) -> list[np.ndarray]:
    """The outputs, every node computed by itself: no kernel of this machine saturates."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [session.run(None, {session.get_inputs()[0].name: row[None].numpy()})[0] for row in ROWS]


def activation_types(model: onnx.ModelProto) -> set[str]:
    """What QuantizeLinear writes."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    written = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    return {str(numpy_helper.to_array(constants[node.input[2]]).dtype) for node in written}


def test_the_values_are_the_same_to_the_last_bit(tmp_path) -> None:
    """Quantized outputs on every input, for both of ARM's classes."""
    plain, dot = exported(tmp_path / "a72", "armv8.0"), exported(tmp_path / "a76", "armv8.2-dot")
    assert activation_types(plain) == {"uint8"}
    assert activation_types(dot) == {"int8"}
    outputs = as_written(plain)
    assert np.ptp(outputs) > 0
    for one, other in zip(outputs, as_written(dot), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_integer_ends_keep_their_type(tmp_path, io: str) -> None:
    """The type that the caller asked for, whatever is stored between."""
    model = exported(tmp_path / io, "armv8.2-dot", io)
    for end in (model.graph.input[0], model.graph.output[0]):
        assert onnx.helper.tensor_dtype_to_np_dtype(end.type.tensor_type.elem_type) == np.dtype(io)


def test_every_convolution_has_an_int8_kernel_as_on_arm(tmp_path) -> None:
    """Asked so, ONNX Runtime takes them on any machine: the audit of a file for ARM is true on x86."""
    exported(tmp_path / "a76", "armv8.2-dot")
    asked = {"command": "inspect", "runtime": "onnxruntime", "threads": 1, "signed_int8": True}
    facts = call_agent({**asked, "model": str(tmp_path / "a76" / "model.onnx")}, 60.0, "inspecting")
    convolutions = [node for node in facts["executed"] if "Conv" in node["type"]]
    assert [(node["type"], node["inputs"][0]) for node in convolutions] == [("QLinearConv", "int8")] * 3


def test_only_the_dot_product_of_arm_wants_them() -> None:
    """On a Cortex-A72 signed activations take more instructions, and x86 takes unsigned ones."""
    targets: tuple[TargetClass, ...] = ("x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot", "mobile-gpu")
    assert [target for target in targets if wants_signed(target)] == ["armv8.2-dot"]
