"""The vocabulary: frozen values that travel between the stages, with units in their names.

Every type rejects unknown fields. Nothing here imports a framework or a runtime.
"""

from __future__ import annotations

from .artifacts import Artifact, Audit, FileEntry, ImageSet, Parity, Rewrite, WeightsProvenance
from .base import RUNTIME_OF, Format, Frozen, IoType, Layout, Precision, Runtime, TargetClass, VerdictName
from .costs import ConvFacts, NetworkFacts
from .devices import Device, DeviceInfo, DeviceState
from .gates import (
    Baseline,
    Conditions,
    Difference,
    GateResult,
    GateRule,
    GateStatus,
    Guard,
    Look,
    OpChange,
    Pair,
    PinnedFile,
)
from .measurements import Delegation, Measurement, OpTime, Revision, SustainedPoint, Verdict
from .models import ModelCard, Preprocessing, Published, QuantParams, TensorSpec, Weights
from .profiles import ExportProfile, ParityTolerance, Quantization
from .roofline import Bandwidth, Ceilings, LayerLoad, Roofline
from .tuning import Ratio

__all__ = [
    "RUNTIME_OF",
    "Artifact",
    "Audit",
    "Bandwidth",
    "Baseline",
    "Ceilings",
    "Conditions",
    "ConvFacts",
    "Delegation",
    "Device",
    "DeviceInfo",
    "DeviceState",
    "Difference",
    "ExportProfile",
    "FileEntry",
    "Format",
    "Frozen",
    "GateResult",
    "GateRule",
    "GateStatus",
    "Guard",
    "ImageSet",
    "IoType",
    "LayerLoad",
    "Layout",
    "Look",
    "Measurement",
    "ModelCard",
    "NetworkFacts",
    "OpChange",
    "OpTime",
    "Pair",
    "Parity",
    "ParityTolerance",
    "PinnedFile",
    "Precision",
    "Preprocessing",
    "Published",
    "QuantParams",
    "Quantization",
    "Ratio",
    "Revision",
    "Rewrite",
    "Roofline",
    "Runtime",
    "SustainedPoint",
    "TargetClass",
    "TensorSpec",
    "Verdict",
    "VerdictName",
    "Weights",
    "WeightsProvenance",
]
