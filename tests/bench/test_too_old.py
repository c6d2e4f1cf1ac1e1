"""Old runtimes, the real ones, in an environment of their own."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.base.files import sha256_file
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.bench.too_old import advice
from edgekit.errors import ToolError
from edgekit.types import Device, Stored

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
LIMITS = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


def test_which_version_reads_it(old_python: Path, tmp_path: Path) -> None:
    stored = read_manifest(TINY / "onnx-fp32")
    model = onnx.load(TINY / "onnx-fp32" / "model.onnx")
    model.ir_version = 10
    onnx.save(model, tmp_path / "model.onnx")
    entry = stored.artifact.files[0].model_copy(update={"sha256": sha256_file(tmp_path / "model.onnx")})
    artifact = stored.artifact.model_copy(update={"files": (entry,), "tool_versions": {"onnxruntime": "1.32.0"}})
    session = Session(ThisMachine(str(old_python)), Device(id="attic", transport="local"), limits=LIMITS)
    with pytest.raises(ToolError, match="Unsupported model IR version: 10, max supported IR version: 9") as caught:
        session.measure(Stored(tmp_path, artifact))
    assert caught.value.hint == (
        "the runtime on attic is too old for this file: onnxruntime 1.18 or newer reads it, "
        "onnxruntime 1.32.0 did when it was verified; update it there: edgekit devices prepare attic, "
        "or pip install --upgrade onnxruntime; or export again for old runtimes: --ir-version 8"
    )


@pytest.mark.parametrize(
    ("profile", "message", "package"),
    [
        ("tflite-fp32", "Didn't find op for builtin opcode 'CONV_2D' version '8'. An older version", "ai-edge-litert"),
        ("openvino-fp32", "Cannot create Convolution layer c id:1 from unsupported opset: opset16", "openvino"),
        ("onnx-fp32", "ONNX Runtime only *guarantees* support for models stamped with official released onnx opset ver",
         "onnxruntime"),
    ],
)  # fmt: skip
def test_the_other_runtimes_words(profile: str, message: str, package: str) -> None:
    artifact = read_manifest(TINY / profile).artifact
    assert f"pip install --upgrade {package}" in advice(artifact, message, "rpi3")
    assert ("export again for old runtimes: --opset 15" in advice(artifact, message, "rpi3")) is (profile[:4] == "onnx")
    assert advice(artifact, "the file is cut short", "rpi3") == ""
