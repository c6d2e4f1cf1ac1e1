"""Layers kept in float, in every format: exactly those, as the runtime sees it."""

from __future__ import annotations

import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import profile_for
from edgekit.errors import UsageError
from edgekit.types import ExportProfile
from edgekit.verbs.export import export

pytestmark = pytest.mark.slow

KEPT = ("@first", "features.3.block.1.0", "features.5.add", "features.7.block.2")
PATHS = {
    *("features.0.0", "features.0.2"),  # with its hard-swish
    *("features.3.block.1.0", "features.3.block.1.2"),  # depthwise, with its ReLU
    "features.5.add",
    *(f"features.7.block.2.{part}" for part in ("avgpool", "fc1", "activation", "fc2", "scale_activation", "mul")),
}


def profile(format_: str, *kept: str, baked: bool = False) -> ExportProfile:
    base = profile_for(format_, "int8")
    parity = base.parity.model_copy(update={"min_cosine": 0.85})
    quantization = base.quantization.model_copy(update={"keep_float": kept})
    # The form that the table knows keeps layers of its own in float.
    fixed = {"target": "x86-avx2", "form": "as-written", "bake_preprocess": baked}
    changes = {"quantization": quantization, "parity": parity, **fixed}
    return base.model_copy(update=changes)


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_exactly_the_named_layers_compute_in_float(card_file, tmp_path, format_, make):
    (outcome,) = export([str(card_file)], [profile(format_, *KEPT, baked=True)], ExportOptions(out=tmp_path), print)
    assert outcome.status == "converted", outcome.error
    artifact = outcome.artifact
    assert set(artifact.float_layers) == PATHS
    assert artifact.audit.float_compute_ops == 4
    assert artifact.audit.int8_compute_ops == 54 + 1 - 4  # the preprocessing is one more
    if format_ == "tflite":
        # A hard-swish is two operators; ReLU, ReLU6 and gates are fused; the first convolution may pad.
        assert artifact.audit.float_ops.pop("PAD", 1) == 1
        assert artifact.audit.float_ops == {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 1, "MEAN": 1, "ADD": 2, "MUL": 2}
    # Rounding elsewhere moves by a decibel or two when some layers are left out; it must not break.
    assert artifact.parity.sqnr_db > make(format_, "int8", "float32", True).artifact.parity.sqnr_db - 2.5


def test_pattern_that_chooses_nothing(card_file, tmp_path):
    (outcome,) = export([str(card_file)], [profile("onnx", "features.33")], ExportOptions(out=tmp_path), print)
    assert outcome.status == "failed to convert"
    assert isinstance(outcome.error, UsageError)
    assert "no layer of the network matches 'features.33'" in str(outcome.error)
    assert "features.3" in outcome.error.hint
    assert list(tmp_path.iterdir()) == []
