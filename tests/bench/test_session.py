from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.known_before import delegation
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.errors import ToolError
from edgekit.types import Artifact, Delegation, Device, Stored

LOCAL = Device(id="local", transport="local")
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


def artifact_of(folder: Path) -> Artifact:
    return Artifact.model_validate_json((folder / "manifest.json").read_text())


@pytest.mark.parametrize("profile", ["onnx-fp32", "openvino-fp32", "tflite-fp32", "tflite-int8"])
def test_a_measurement_is_whole(tiny: Path, profile: str, heard: Any) -> None:
    artifact = artifact_of(tiny / profile)
    found = Session(ThisMachine(), LOCAL, per_op=True, limits=SHORT).measure(Stored(tiny / profile, artifact), heard)
    assert found.key == f"tiny__{profile}__{artifact.runtime}-cpu-t1"
    assert found.artifact_sha256 == artifact.sha256
    assert len(found.samples_ns) >= 50
    assert len(found.warmup_ns) >= 10
    assert found.p50_ms <= found.p90_ms <= found.p99_ms
    assert found.peak_rss_bytes is not None
    assert found.baseline_rss_bytes is not None
    assert found.per_op
    assert found.per_op_note == ""
    assert found.settings
    assert found.export_command == artifact.command
    assert (found.delegation is not None) == (artifact.audit.delegate is not None)
    assert found.verdict.name in ("stable", "noisy")
    assert "latency: measure" in heard.lines
    assert heard.lines.index("memory") > heard.lines.index("latency")


def test_operators_that_cannot_be_timed_are_a_note_not_a_failure(tiny: Path) -> None:
    class DiesWhenProfiled(ThisMachine):
        def command(self, program: str, argument: str) -> list[str]:
            if json.loads(Path(argument).read_text())["command"] == "per_op":
                return [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGILL)"]
            return super().command(program, argument)

    artifact = artifact_of(tiny / "tflite-fp32")
    found = Session(DiesWhenProfiled(), LOCAL, per_op=True, limits=SHORT).measure(
        Stored(tiny / "tflite-fp32", artifact)
    )
    assert found.per_op is None
    assert found.per_op_note == "operator times of tiny tflite-fp32 on litert crashed with SIGILL"


def test_the_time_limit_counts_both_phases() -> None:
    assert Limits(max_s=20, launch_s=120).timeout_s == 160
    assert "launch_s" not in SHORT.request()


def test_an_fp16_artifact_may_compute_as_its_cpu_likes(tiny: Path) -> None:
    session = Session(ThisMachine(), LOCAL)
    artifact = artifact_of(tiny / "openvino-fp32")
    assert session.request(artifact)["inference_precision"] == "f32"
    half = artifact.model_copy(update={"precision": "fp16"})
    assert session.request(half)["inference_precision"] == "default"


def test_a_crash_names_the_artifact(tiny: Path, tmp_path: Path) -> None:
    artifact = artifact_of(tiny / "tflite-fp32")
    (tmp_path / "model.tflite").write_bytes(b"broken")
    with pytest.raises(ToolError, match="latency of tiny tflite-fp32 on litert failed: litert cannot load"):
        Session(ThisMachine(), LOCAL, limits=SHORT).measure(Stored(tmp_path, artifact))


def test_an_agent_of_another_version_is_noticed(tiny: Path) -> None:
    class Old(ThisMachine):
        def command(self, program: str, argument: str) -> list[str]:
            answer = json.dumps({"ok": True, "value": {"samples_ns": [1, 2, 3]}})
            return [sys.executable, "-c", f"print({answer!r})"]

    with pytest.raises(ToolError, match="does not fit this edgekit") as caught:
        Session(Old(), LOCAL, limits=SHORT).measure(read_manifest(tiny / "tflite-fp32"))
    assert "one version" in caught.value.hint


def test_a_measurement_repeats_what_the_delegate_takes(tiny: Path) -> None:
    artifact = artifact_of(tiny / "tflite-int8")
    counts = {"ops": {"CONV_2D": 3, "ADD": 1}, "delegate": "XNNPACK", "delegated_ops": 3, "delegate_partitions": 2}
    audit = artifact.audit.model_copy(update={**counts, "undelegated": {"ADD": 1}})
    found = delegation(audit)
    assert found == Delegation(name="XNNPACK", share=0.75, partitions=2, undelegated={"ADD": 1})
    assert delegation(audit.model_copy(update={"delegate": None})) is None
