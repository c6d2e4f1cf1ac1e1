"""The modules that an export's children import, for :func:`edgekit.base.processes.warm.warm`; shared ones first."""

from __future__ import annotations

from ...types import ExportProfile, Format, Runtime

NETWORK = ("edgekit.artifacts.children.network",)
"""PyTorch and the zoo."""
PROGRAM = (*NETWORK, "torch.export._trace")
"""What ``torch.export`` imports only when a network is traced, or such a program read: a thousand modules."""
TRAINING = (*NETWORK, "torch._dynamo", "edgekit.training.proxy")
"""What PyTorch's optimizers import when the first is made: eight hundred modules."""
READERS: dict[Format, tuple[str, ...]] = {
    "onnx": ("onnx",),
    "openvino": (),
    "tflite": ("ai_edge_litert.schema_py_generated",),
}
"""What opens a file."""
TFLITE_FILE = ("edgekit.convert.tflite.metadata", "ai_edge_litert.schema_py_generated")
"""What writes into a TFLite file that is there already."""
HALF_LAYERS = (*NETWORK, "edgekit.artifacts.children.half_layers")
CONVERTERS: dict[Format, tuple[str, ...]] = {
    "onnx": (
        "torch.export._trace",  # first, as others begin with it
        "torch.onnx._internal.exporter._core",
        "edgekit.convert.onnx.exporter_table",
        "onnxsim",
    ),
    "openvino": ("torch.distributed.tensor", "openvino"),
    "tflite": (),
}
"""Modules that ``torch.onnx.export`` and OpenVINO's PyTorch frontend import only when they are called."""
QUANTIZERS: dict[Format, tuple[str, ...]] = {
    "onnx": ("onnxruntime.quantization",),
    "openvino": ("nncf.openvino.quantization.quantize_model",),
    "tflite": ("litert_quantizer",),
}
RUNTIMES: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": ("numpy", "edgekit.agent.main", "onnxruntime"),
    "openvino": ("numpy", "edgekit.agent.main", "openvino"),
    "litert": ("numpy", "edgekit.agent.main", "ai_edge_litert.interpreter"),
}
"""What the agent imports to run a file; see :mod:`.agent_jobs`."""


def audit(format_: Format) -> tuple[str, ...]:
    """What the audit of a file imports."""
    return ("numpy", "edgekit.verify.audit", *READERS[format_])


def examination(format_: Format) -> tuple[str, ...]:
    """What a look into a file imports that edgekit may not have made."""
    return ("numpy", "edgekit.verify.foreign", *(READERS["onnx"] if format_ == "onnx" else ()))


def conversion(profile: ExportProfile) -> tuple[str, ...]:
    """What a conversion imports."""
    return (*NETWORK, *CONVERTERS[profile.format], *quantizers(profile))


def own_conversion(profile: ExportProfile) -> tuple[str, ...]:
    """What the conversion of a network imports that is none of edgekit's: a program of ``torch.export``."""
    if profile.format == "onnx":
        return conversion(profile)
    converter = ("litert_torch",) if profile.format == "tflite" else CONVERTERS[profile.format]
    return (*PROGRAM, *converter, *quantizers(profile))


def quantizers(profile: ExportProfile) -> tuple[str, ...]:
    """What an int8 conversion imports as well."""
    return () if profile.quantization is None else QUANTIZERS[profile.format]
