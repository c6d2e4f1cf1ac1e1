"""The vocabulary: frozen values that travel between the stages, with units in their names.

Every type rejects unknown fields. Nothing here imports a framework or a runtime.
"""

from __future__ import annotations

from .artifacts import Artifact, Audit, FileEntry, ImageSet, Parity, Rewrite, WeightsProvenance
from .base import RUNTIME_OF, Format, Frozen, IoType, Layout, Precision, Runtime, TargetClass, VerdictName
from .devices import Device, DeviceInfo, DeviceState
from .evaluations import Evaluation, PairedDrop, Rate, Scored
from .layers import Layer
from .measurements import Measurement, OpTime, Verdict
from .models import ModelCard, Preprocessing, Published, QuantParams, TensorSpec, Weights
from .profiles import ExportProfile, ParityTolerance, Quantization

__all__ = [
    "RUNTIME_OF",
    "Artifact",
    "Audit",
    "Device",
    "DeviceInfo",
    "DeviceState",
    "Evaluation",
    "ExportProfile",
    "FileEntry",
    "Format",
    "Frozen",
    "ImageSet",
    "IoType",
    "Layer",
    "Layout",
    "Measurement",
    "ModelCard",
    "OpTime",
    "PairedDrop",
    "Parity",
    "ParityTolerance",
    "Precision",
    "Preprocessing",
    "Published",
    "QuantParams",
    "Quantization",
    "Rate",
    "Rewrite",
    "Runtime",
    "Scored",
    "TargetClass",
    "TensorSpec",
    "Verdict",
    "VerdictName",
    "Weights",
    "WeightsProvenance",
]
