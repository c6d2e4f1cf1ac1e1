"""The modules that an export's children import, for :func:`edgekit.base.processes.warm.warm`; shared ones first."""

from __future__ import annotations

from ...types import ExportProfile, Format

NETWORK = ("edgekit.artifacts.children.network",)
"""PyTorch and the zoo."""
AUDIT = ("edgekit.verify.audit",)
TFLITE_FILE = ("edgekit.convert.tflite.metadata", "ai_edge_litert.schema_py_generated")
"""What writes into a TFLite file that is there already."""
HALF_LAYERS = (*NETWORK, "edgekit.artifacts.children.half_layers")
CONVERTERS: dict[Format, tuple[str, ...]] = {
    "onnx": (
        "torch.onnx._internal.exporter._core",
        "torch.export._trace",
        "edgekit.convert.onnx.exporter_table",
        "onnxsim",
    ),
    "openvino": ("torch.distributed.tensor", "openvino"),
    "tflite": (),
}
"""Modules that ``torch.onnx.export`` and OpenVINO's PyTorch frontend import only when they are called."""
QUANTIZERS: dict[Format, tuple[str, ...]] = {
    "onnx": (),
    "openvino": ("nncf.openvino.quantization.quantize_model",),
    "tflite": ("litert_quantizer",),
}


def examination(format_: Format) -> tuple[str, ...]:
    """What a look into a file imports that edgekit may not have made."""
    return ("edgekit.verify.foreign", *(("onnx",) if format_ == "onnx" else ()))


def conversion(profile: ExportProfile) -> tuple[str, ...]:
    """What a conversion imports."""
    quantizers = () if profile.quantization is None else QUANTIZERS[profile.format]
    return (*NETWORK, *CONVERTERS[profile.format], *quantizers)
