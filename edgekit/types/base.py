"""The words that all types share, and what makes a type of edgekit a value."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Format = Literal["onnx", "tflite", "openvino"]
Precision = Literal["fp32", "fp16", "int8", "dynamic", "weight-only"]
IoType = Literal["float32", "int8", "uint8"]
Layout = Literal["NCHW", "NHWC", "NC", "unknown"]
Accelerator = Literal["cpu", "gpu", "npu"]
Runtime = Literal["onnxruntime", "litert", "openvino"]
TargetClass = Literal["x86-avx2", "x86-vnni", "armv8.0", "armv8.2-dot", "mobile-gpu"]
VerdictName = Literal["stable", "noisy", "throttled", "emulated"]

RUNTIME_OF: dict[Format, Runtime] = {"onnx": "onnxruntime", "tflite": "litert", "openvino": "openvino"}
"""The runtime that executes each format."""

HALF_COMPUTE_KEY, HALF_COMPUTE_VALUE = "reduced_precision_support", "fp16accfp16"
"""Metadata of a float TFLite file that lets capable CPUs compute it in float16, sums included (LiteRT's XNNPACK
delegate).
"""

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


LONGEST_NAME = 80
"""Most characters of a name: a report's file name holds two names and the runtime, and file systems take 255 bytes."""
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Windows opens a device by these, whatever the folder."""


def checked_name(text: str) -> str:
    """``text`` when it may name a file or folder: it cannot lead out of the folder that it is put into.

    Raises:
        ValueError: it may not, with the rule.
    """
    if not re.fullmatch(NAME_PATTERN[1:-1], text):
        raise ValueError("a name is letters, digits, '.', '_' and '-', and begins with a letter or digit")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters, this one has {len(text)}")
    if RESERVED.fullmatch(text) or text.endswith("."):
        raise ValueError("a name cannot end with a dot or be one that Windows keeps for a device")
    return text


def is_name(text: str) -> bool:
    """True for what :func:`checked_name` takes."""
    try:
        return checked_name(text) == text
    except ValueError:
        return False


Name = Annotated[
    str,
    AfterValidator(checked_name),
    Field(json_schema_extra={"pattern": NAME_PATTERN, "maxLength": LONGEST_NAME}),
]
"""A text that becomes the name of a file or folder: see :func:`checked_name`."""

Cores = Annotated[str, Field(pattern=r"^(big|little|[0-9]{1,4}(,[0-9]{1,4})*)$")]
"""Cores as asked for, in one spelling; a part of :func:`report_key`."""


def report_key(
    model: str, profile: str, runtime: Runtime, accelerator: str, threads: int, cores: str | None = None, batch: int = 1
) -> str:
    """The key of a measurement, its baseline and its gate on a device; ``cores`` as asked for, None when not pinned."""
    pinned = "" if cores is None else f"-c{cores.replace(',', '_')}"
    images = "" if batch == 1 else f"-b{batch}"
    return f"{model}__{profile}__{runtime}-{accelerator}-t{threads}{pinned}{images}"


BUILDING = threading.RLock()
"""Held while the validator of a type is built."""


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown fields.

    Its validator is built when the first one is made: a command needs few of the types that it imports, and building
    all of them took a fifth of its start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As pydantic's, which is not made for several threads: one builds, the others wait."""
        with BUILDING:
            return super().model_rebuild(
                force=force,
                raise_errors=raise_errors,
                _parent_namespace_depth=_parent_namespace_depth + 1,
                _types_namespace=_types_namespace,
            )

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """The value of JSON-able ``data``: through JSON, where strict mode takes an array for a tuple."""
        return cls.model_validate_json(json.dumps(data))

    def to_plain(self) -> dict[str, Any]:
        """The value as JSON-able data."""
        return self.model_dump(mode="json")


def build_types() -> None:
    """Build the validators of all types that are imported: for a process whose children use them."""
    left = Frozen.__subclasses__()
    while left:
        one = left.pop()
        one.model_rebuild()
        left += one.__subclasses__()
