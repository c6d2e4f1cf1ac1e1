"""The verb on this machine: real artifacts, runtimes and pins; a stand-in where a device has to misbehave."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from edgekit.types import GateResult, Stored
from edgekit.verbs.gate import delegation_notes, plan
from tests.verbs.gate.conftest import DATA, KEY, TINY, planned, run

# Judging


def test_the_same_artifact_is_not_slower(artifact: Path, pinned: Path, heard: Any) -> None:
    result = run(artifact, progress=heard)
    assert result.status in ("PASS", "INCONCLUSIVE")  # a busy test machine proves little, but never a slowdown
    assert result.pinned_at is not None
    assert result.baseline == str(pinned)
    assert "tiny/tflite-fp32 on local: pair 1" in heard.lines
    (kept,) = Path("gate_results/local").iterdir()
    assert kept.name.endswith(f"__{KEY}.json")
    assert GateResult.model_validate_json(kept.read_text()) == result


def test_a_slow_candidate_fails_its_operators_are_listed_and_the_pin_stays(artifact: Path, pinned: Path) -> None:
    before = {path.name: path.read_bytes() for path in pinned.iterdir()}
    result = run(artifact, handicap={"busy_ns": 3_000_000})
    assert {path.name: path.read_bytes() for path in pinned.iterdir()} == before
    assert (result.status, result.exit_code) == ("FAIL", 1)
    assert result.looks[-1].low > 1.01
    assert result.changes
    assert result.handicap == {"busy_ns": 3_000_000}


def test_what_left_the_delegate_is_said(artifact: Path) -> None:
    (one,) = planned(artifact, baseline=TINY)
    assert delegation_notes(one.baseline.stored, one.candidate) == []

    def audited(**audit: object) -> Stored:
        plain = one.candidate.artifact
        changed = plain.audit.model_copy(update={"delegate": "XNNPACK", "undelegated": {}, **audit})
        return Stored(one.candidate.folder, plain.model_copy(update={"audit": changed}))

    good, worse = audited(delegate_partitions=1), audited(delegate_partitions=4, undelegated={"HARD_SWISH": 3})
    assert delegation_notes(good, good) == []
    (note,) = delegation_notes(good, worse)
    assert note.startswith("XNNPACK when exported: 1 partition(s), nothing left out in the baseline")
    assert note.endswith("4 partition(s), 3 HARD_SWISH left out in the candidate")


def test_a_baseline_can_be_an_artifact_or_a_folder_of_them(artifact: Path) -> None:
    for baseline in (TINY / "tflite-fp32", TINY / "tflite-fp32" / "model.tflite", DATA / "artifacts", TINY):
        (one,) = planned(artifact, baseline=baseline)
        assert one.baseline.pin is None
        assert one.baseline.stored.folder == TINY / "tflite-fp32"


def test_every_candidate_on_every_device_is_a_gate_of_the_run(artifact: Path) -> None:
    shutil.copytree(TINY / "onnx-fp32", artifact.parent / "onnx-fp32")
    found = plan([], ["local", "virtual-rpi4", "local"], baseline=DATA / "artifacts")
    profiles = ["onnx-fp32", "tflite-fp32"]
    assert [one.candidate.artifact.profile for one in found] == [*profiles, *profiles]
    assert [one.device.id for one in found] == ["local", "local", "virtual-rpi4", "virtual-rpi4"]
    assert found[0].seconds(8) < found[0].seconds(25)
