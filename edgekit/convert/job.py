"""The request to every converter, and its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from ..types import ExportProfile, Frozen, Layer, Preprocessing, Quantization, QuantParams, TargetClass, TensorSpec
from ..types.models import OPEN

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

TOOLS = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "litert-converter", "ai-edge-litert", "litert-quantizer"),
    "openvino": ("torch", "openvino", "nncf"),
}
"""The packages that convert and verify each format."""
INPUT_NAME, OUTPUT_NAME = "input", "logits"
"""Names of the input and output of a zoo network, in every format."""


@dataclass(frozen=True)
class Job:
    """One conversion.

    Attributes:
        network: rewritten, eval mode; takes NCHW float32 (normalised, or pixels 0..255 when preprocessing is baked;
            uint8 pixels for a baked float artifact).
        inputs: calibration data as the network takes it, ``(N, C, H, W)``.
        folder: where the files go.
        layers: those of the network, by name; ``float_layers`` are the names of those that stay in float.
        learnt: ranges of the results of layers, by name, that a training learnt and the file is to have.
    """

    network: nn.Module
    profile: ExportProfile
    target: TargetClass
    preprocessing: Preprocessing
    inputs: NDArray[Any]
    folder: Path
    layers: Mapping[str, Layer] = field(default_factory=dict)
    float_layers: frozenset[str] = frozenset()
    learnt: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def quantization(self) -> Quantization:
        """The settings of an int8 profile; ``ranges = "auto"`` has been decided (``range_choice``)."""
        settings = self.profile.quantization
        assert settings is not None
        assert settings.ranges != "auto"
        return settings

    @property
    def open_batch(self) -> bool:
        """True where the file leaves the batch to its caller."""
        return self.profile.batch == "dynamic"

    @property
    def batches(self) -> list[NDArray[Any]]:
        """The calibration data by batches of the artifact; the last is filled up with the first images again.

        One image at a time where the batch is open.
        """
        size = 1 if self.profile.batch == "dynamic" else self.profile.batch
        count = math.ceil(len(self.inputs) / size) * size
        filled = self.inputs[np.arange(count) % len(self.inputs)]
        return [np.ascontiguousarray(filled[start : start + size]) for start in range(0, count, size)]

    @property
    def sample(self) -> NDArray[Any]:
        """One batch, to trace with. Of an open one two images: of one, a tracer would take the 1 for a constant."""
        return self.inputs[np.arange(2) % len(self.inputs)] if self.open_batch else self.batches[0]

    @property
    def input_dtype(self) -> str:
        """Type that the artifact takes: uint8 pixels when preprocessing is baked."""
        return "uint8" if self.profile.bake_preprocess else self.profile.io


class Converted(Frozen):
    """What a converter made.

    Attributes:
        files: names relative to the job's folder; the first is the one a runtime opens.
        float_nodes: names in the file of the operators of ``Job.float_layers``, as the audit finds them.
        owners: names of the layers that compute a tensor, by its name in the file; empty where the name itself tells.
    """

    files: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    quantization: dict[str, str | bool] | None = None
    notes: tuple[str, ...] = ()
    float_nodes: tuple[str, ...] = ()
    owners: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def input_spec(job: Job, name: str, layout: str, quantization: QuantParams | None) -> TensorSpec:
    """The artifact's input: the job's shape in the given layout, with its preprocessing.

    Baked preprocessing takes plain pixels, so users need not know their quantization (scale 1).
    """
    _, c, h, w = job.inputs.shape
    n = OPEN if job.profile.batch == "dynamic" else job.profile.batch
    baked = job.profile.bake_preprocess
    return TensorSpec(
        name=name,
        shape=(n, h, w, c) if layout == "NHWC" else (n, c, h, w),
        layout="NHWC" if layout == "NHWC" else "NCHW",
        dtype=job.input_dtype,
        quantization=None if baked else quantization,
        preprocessing=job.preprocessing.model_copy(update={"baked": baked}),
    )


def affine_range(low: float, high: float, dtype: str) -> QuantParams:
    """Asymmetric 8-bit parameters that cover ``[low, high]`` and represent zero exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    limits = np.iinfo(dtype)
    scale = float(np.float32(max(high - low, 1e-12) / (limits.max - limits.min)))
    return QuantParams(scale=scale, zero_point=int(np.clip(round(limits.min - low / scale), limits.min, limits.max)))


def bias_correction(settings: Quantization, form: str) -> str:
    """Which program corrects the biases for the shift of a layer's mean output that rounding the weights causes."""
    if form == "FakeQuantize":
        if settings.bias_correction:
            return "NNCF, full"
        return "none" if settings.rounding == "compensated" else "NNCF, fast"
    return "empirical" if settings.bias_correction else "none"


def describe(
    settings: Quantization, form: str, stored: str, reduce_range: bool, also: str = ""
) -> dict[str, str | bool]:
    """How a quantizer was set, for the manifest; ``stored`` is the type of the activations."""
    ranges: str = settings.ranges
    if ranges == "percentile":
        ranges += f" {settings.percentile:g}"
    if ranges == "outliers":
        ranges += f" {settings.outliers}"
    return {
        "scheme": settings.scheme,
        "form": form,
        "weights": f"int8 symmetric {settings.weights}",
        "activations": f"{stored} {settings.activations} per-tensor",
        "ranges": ", ".join(filter(None, (ranges, also))),
        "reduce_range": reduce_range,
        "bias_correction": bias_correction(settings, form),
    }


class Described(Frozen):
    """What is written into a TFLite file; it changes in place.

    Attributes:
        classes: names by number; none where they are not known.
    """

    file: Path
    model: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    classes: tuple[str, ...] = ()
