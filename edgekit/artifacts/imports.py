"""The modules that an export's children import, for :func:`edgekit.base.processes.warm.warm`; shared ones first."""

from __future__ import annotations

from ..types import ExportProfile, Format

NETWORK = ("edgekit.artifacts.children.network",)
"""PyTorch and the zoo."""
AUDIT = ("edgekit.verify.audit",)
CONVERTERS: dict[Format, tuple[str, ...]] = {
    "onnx": (
        "torch.onnx._internal.exporter._core",
        "torch.export._trace",
        "onnxscript.function_libs.torch_lib.ops",
        "onnxsim",
    ),
    "openvino": ("torch.distributed.tensor", "openvino"),
    "tflite": (),
}
"""Modules that ``torch.onnx.export`` and OpenVINO's PyTorch frontend import only when they are called."""
QUANTIZERS: dict[Format, tuple[str, ...]] = {
    "onnx": (),
    "openvino": ("nncf.openvino.quantization.quantize_model",),
    "tflite": ("ai_edge_quantizer",),
}


def conversion(profile: ExportProfile) -> tuple[str, ...]:
    """What a conversion imports."""
    quantizers = () if profile.quantization is None else QUANTIZERS[profile.format]
    return (*NETWORK, *CONVERTERS[profile.format], *quantizers)
