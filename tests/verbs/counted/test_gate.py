from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.errors import UsageError
from edgekit.reports.counted.store import save_count
from edgekit.types import Counted, Stored
from edgekit.verbs.counted import gate as verb
from edgekit.verbs.counted.gate import gate_counts, plan_counts


def test_a_gate_counts_both_sides_and_keeps_its_result(counting: None, tiny: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "artifacts" / "tiny" / "tflite-int8"
    shutil.copytree(tiny / "tflite-int8", candidate)
    planned = plan_counts([str(candidate)], ["sim-rpi4"], baseline=tiny, tolerance=0.05)
    assert isinstance(planned[0].baseline, Stored)
    (result,) = gate_counts(planned, results_root=tmp_path / "results")
    assert result.status == "PASS", result.reason
    assert result.ratio == pytest.approx(1, abs=0.02)
    assert result.noise is not None
    (kept,) = (tmp_path / "results" / "sim-rpi4").glob("*.json")
    assert result.key in kept.name


def test_counts_that_lie_there_are_the_baseline(
    make_counted: Callable[..., Counted], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = read_manifest(tiny / "tflite-int8").artifact
    before = make_counted(model=artifact.model, profile=artifact.profile)
    save_count(tmp_path, before)
    planned = plan_counts([str(tiny / "tflite-int8")], ["sim-rpi4"], baseline=tmp_path)
    assert planned[0].baseline == before
    assert planned[0].tolerance == 0.005
    heavier = make_counted(model=artifact.model, profile=artifact.profile, instructions=1_100_000, simd=300_000)
    monkeypatch.setattr(verb, "prepare", lambda *_: None)
    monkeypatch.setattr(verb, "count", lambda *_, **__: heavier)
    (result,) = gate_counts(planned, results_root=tmp_path / "results")
    assert (result.status, result.exit_code) == ("FAIL", 1)
    monkeypatch.setattr(verb, "count", lambda *_, **__: heavier.model_copy(update={"runtime_version": "9"}))
    (result,) = gate_counts(planned, results_root=tmp_path / "results")
    assert (result.status, result.exit_code) == ("NOT_COMPARABLE", 5)


def test_a_plan_without_a_baseline_or_with_no_tolerance_is_refused(tiny: Path, tmp_path: Path) -> None:
    names = [str(tiny / "tflite-int8")]
    with pytest.raises(UsageError, match="no baseline of") as caught:
        plan_counts(names, ["sim-rpi4"], baseline=tmp_path)
    assert "edgekit gate --update" in caught.value.hint
    with pytest.raises(UsageError, match="--tolerance must be above 0"):
        plan_counts(names, ["sim-rpi4"], baseline=tiny, tolerance=1.5)
