"""The words that all types share, and what makes a type of edgekit a value."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

Format = Literal["onnx", "tflite", "openvino"]
Precision = Literal["fp32", "fp16", "int8", "dynamic", "weight-only"]
IoType = Literal["float32", "int8", "uint8"]
Layout = Literal["NCHW", "NHWC", "NC"]
Accelerator = Literal["cpu", "gpu", "npu"]
Runtime = Literal["onnxruntime", "litert", "openvino"]
TargetClass = Literal["x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot", "mobile-gpu"]
VerdictName = Literal["stable", "noisy", "throttled", "emulated"]

RUNTIME_OF: dict[Format, Runtime] = {"onnx": "onnxruntime", "tflite": "litert", "openvino": "openvino"}
"""The runtime that executes each format."""

PACKAGES_OF: dict[Runtime, tuple[str, ...]] = {
    "onnxruntime": (
        "onnxruntime",
        "onnxruntime-directml",
        "onnxruntime-gpu",
        "onnxruntime-migraphx",
        "onnxruntime-openvino",
        "onnxruntime-qnn",
        "onnxruntime-webgpu",
    ),
    "litert": ("ai-edge-litert", "tflite-runtime"),
    "openvino": ("openvino",),
}
"""The packages that have each runtime, the usual one first."""


def report_key(
    model: str, profile: str, runtime: Runtime, accelerator: str, threads: int, cores: str | None = None
) -> str:
    """What names a measurement, its baseline and its gate on a device; ``cores`` as asked for, None when not pinned."""
    pinned = "" if cores is None else f"-c{cores.replace(',', '_')}"
    return f"{model}__{profile}__{runtime}-{accelerator}-t{threads}{pinned}"


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """The value of JSON-able ``data``: through JSON, where strict mode takes an array for a tuple."""
        return cls.model_validate_json(json.dumps(data))

    def to_plain(self) -> dict[str, Any]:
        """The value as JSON-able data."""
        return self.model_dump(mode="json")
