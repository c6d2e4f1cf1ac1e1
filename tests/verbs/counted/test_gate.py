from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import keep
from edgekit.artifacts.store import read_manifest, write_manifest
from edgekit.base.files import sha256_file
from edgekit.counting import kept
from edgekit.counting.count import count
from edgekit.errors import UsageError
from edgekit.reports.counted.gate_words import markdown, remarks
from edgekit.reports.counted.store import save_count
from edgekit.types import Counted, CountGate, Evaluation, Scored, Stored
from edgekit.verbs.counted import gate as verb
from edgekit.verbs.counted.gate import gate_counts, plan_counts
from edgekit.verify.accuracy import paired_drop


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


def test_a_baseline_is_counted_once_for_all_gates(
    counting: None, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at all where it is the candidate's own file; else by the first gate, whose count is kept for the next."""
    counted: list[tuple[str, str]] = []

    def spy(side: str, stored: Stored, *rest: object, **more: object) -> Counted:
        counted.append((side, stored.artifact.sha256))
        return count(stored, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(kept, "counting_folder", lambda: tmp_path / "counting")
    monkeypatch.setattr(verb, "count", partial(spy, "candidate"))
    monkeypatch.setattr(kept, "count", partial(spy, "baseline"))
    folder = tmp_path / "baseline" / "tiny" / "tflite-int8"
    shutil.copytree(tiny / "tflite-int8", folder)
    for change in (b"", b"\0" * 16):
        with (folder / "model.tflite").open("ab") as stream:
            stream.write(change)
        sealed(folder)
        for _ in range(2):
            planned = plan_counts(
                [str(tiny / "tflite-int8")], ["sim-rpi4"], baseline=tmp_path / "baseline", tolerance=0.05
            )
            (result,) = gate_counts(planned, results_root=tmp_path / "results")
            assert result.status == "PASS", result.reason
            assert result.noise is not None
    assert [side for side, _ in counted] == ["candidate", "candidate", "candidate", "baseline", "candidate"]


def sealed(folder: Path) -> None:
    """Have the manifest say what the model file is now."""
    artifact, file = read_manifest(folder).artifact, folder / "model.tflite"
    digest, size = sha256_file(file), file.stat().st_size
    entries = tuple(
        entry.model_copy(update={"sha256": digest, "size_bytes": size}) if entry.name == file.name else entry
        for entry in artifact.files
    )
    write_manifest(folder, artifact.model_copy(update={"sha256": digest, "size_bytes": size, "files": entries}))


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
    monkeypatch.setattr(verb, "remember", lambda *_: None)
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


@pytest.fixture
def counts(
    make_counted: Callable[..., Counted], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], CountGate]:
    """A candidate that executes what its baseline does, 1 M instructions, under a gate.toml."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny / "tflite-int8", tmp_path / "candidate")
    artifact = read_manifest(tmp_path / "candidate").artifact
    same = make_counted(model=artifact.model, profile=artifact.profile, instructions=1_000_000)
    save_count(tmp_path / "reports", same)
    monkeypatch.setattr(verb, "prepare", lambda *_: None)
    monkeypatch.setattr(verb, "remember", lambda *_: None)
    monkeypatch.setattr(verb, "count", lambda *_, **__: same)

    def run(toml: str) -> CountGate:
        Path("gate.toml").write_text(toml)
        planned = plan_counts(["candidate"], ["sim-rpi4"], baseline=tmp_path / "reports")
        return gate_counts(planned, results_root=tmp_path / "results")[0]

    return run


@pytest.mark.parametrize(
    ("toml", "status", "decided_by", "words"),
    [
        ("[default]\nmax_instructions_m = 1.0", "PASS", "growth", ""),
        ("[default]\nmax_instructions_m = 0.9", "FAIL", "instructions", "it executes 1.000 M instructions, and"),
        ("[default]\nmax_size_mb = 1e-6", "FAIL", "file", "max_size_mb is 1e-06"),
        ("[default]\nmax_drop = 1.0", "INCONCLUSIVE", "accuracy", "was not evaluated; run edgekit evaluate"),
    ],
)
def test_the_limits_of_gate_toml_hold_without_a_board(
    counts: Callable[[str], CountGate], toml: str, status: str, decided_by: str, words: str
) -> None:
    result = counts(toml)
    assert (result.status, result.decided_by) == (status, decided_by)
    assert words in result.reason
    assert result.reason in markdown([result]) or status == "PASS"
    assert ("raise the limit" in " ".join(remarks(result))) == (status == "FAIL")


def test_an_accuracy_that_is_proven_is_noted(counts: Callable[[str], CountGate]) -> None:
    scored = Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64)
    drop = paired_drop(np.ones(4000, bool), np.ones(4000, bool))
    found = Evaluation(subject=scored, reference=scored, data="photos", images=4000, classes=5, drop=drop)
    keep(read_manifest(Path("candidate")), found)
    result = counts("[default]\nmax_drop = 1.0")
    assert result.status == "PASS"
    assert result.notes[0].startswith("accuracy: within 1 points is proven")


def test_only_the_boards_own_tolerance_is_of_counts(counts: Callable[[str], CountGate]) -> None:
    assert counts("[default]\ntolerance = 0.1\n[devices.rpi4]\ntolerance = 0.2\n").tolerance == 0.005
    assert counts("[devices.sim-rpi4]\ntolerance = 0.02\n").tolerance == 0.02
    with pytest.raises(UsageError, match="--tolerance must be above 0 and below 1, got 0"):
        counts("[devices.sim-rpi4]\ntolerance = 0\n")
