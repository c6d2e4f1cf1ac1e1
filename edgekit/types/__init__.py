"""The vocabulary: frozen values that travel between the stages, with units in their names.

Every type rejects unknown fields. Nothing here imports a framework or a runtime.
"""

from __future__ import annotations

from .artifacts import Artifact, Audit, FileEntry, ImageSet, Parity, Rewrite, WeightsProvenance
from .base import (
    PACKAGES_OF,
    RUNTIME_OF,
    Accelerator,
    Format,
    Frozen,
    IoType,
    Layout,
    Precision,
    Runtime,
    TargetClass,
    VerdictName,
)
from .costs import ConvFacts, NetworkFacts
from .devices import Device, DeviceInfo, DeviceState
from .evaluations import Evaluation, PairedDrop, Rate, Scored
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
from .layers import Layer, LayerError, LayerErrors
from .measurements import Delegation, Measurement, OpTime, Revision, SustainedPoint, Verdict
from .models import ModelCard, Preprocessing, Published, QuantParams, TensorSpec, Weights
from .profiles import ExportProfile, ParityTolerance, Quantization
from .roofline import Bandwidth, Ceilings, LayerLoad, Roofline
from .selection import FloatStep, SelectiveFloat
from .tuning import (
    ChosenForm,
    Evidence,
    FormOutcome,
    FormTable,
    Int8VsFloat,
    KnownForm,
    Ratio,
    Speed,
    TriedForm,
    Tuning,
    TuningConditions,
)

__all__ = [
    "PACKAGES_OF",
    "RUNTIME_OF",
    "Accelerator",
    "Artifact",
    "Audit",
    "Bandwidth",
    "Baseline",
    "Ceilings",
    "ChosenForm",
    "Conditions",
    "ConvFacts",
    "Delegation",
    "Device",
    "DeviceInfo",
    "DeviceState",
    "Difference",
    "Evaluation",
    "Evidence",
    "ExportProfile",
    "FileEntry",
    "FloatStep",
    "FormOutcome",
    "FormTable",
    "Format",
    "Frozen",
    "GateResult",
    "GateRule",
    "GateStatus",
    "Guard",
    "ImageSet",
    "Int8VsFloat",
    "IoType",
    "KnownForm",
    "Layer",
    "LayerError",
    "LayerErrors",
    "LayerLoad",
    "Layout",
    "Look",
    "Measurement",
    "ModelCard",
    "NetworkFacts",
    "OpChange",
    "OpTime",
    "Pair",
    "PairedDrop",
    "Parity",
    "ParityTolerance",
    "PinnedFile",
    "Precision",
    "Preprocessing",
    "Published",
    "QuantParams",
    "Quantization",
    "Rate",
    "Ratio",
    "Revision",
    "Rewrite",
    "Roofline",
    "Runtime",
    "Scored",
    "SelectiveFloat",
    "Speed",
    "SustainedPoint",
    "TargetClass",
    "TensorSpec",
    "TriedForm",
    "Tuning",
    "TuningConditions",
    "Verdict",
    "VerdictName",
    "Weights",
    "WeightsProvenance",
]
