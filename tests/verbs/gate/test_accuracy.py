"""Limits of accuracy and of size, which fail a candidate before it is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import keep
from edgekit.artifacts.store import read_manifest
from edgekit.reports.gate.words import meaning, remarks
from edgekit.types import Evaluation, GateResult, Scored
from edgekit.verify.accuracy import paired_drop
from tests.verbs.gate.conftest import CALM, run

# Accuracy


@pytest.mark.parametrize(
    ("lost", "status", "said"),
    [
        (None, "INCONCLUSIVE", "what the candidate loses was not evaluated"),
        (200, "FAIL", "accuracy: beyond 1 points is proven"),
        (40, "INCONCLUSIVE", "neither within nor beyond 1 points is proven"),
    ],
)
def test_a_candidate_that_may_lose_too_much_is_not_measured(
    pinned: Path, artifact: Path, lost: int | None, status: str, said: str
) -> None:
    evaluated(artifact, lost)
    Path("gate.toml").write_text(CALM + "max_drop = 1.0\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == (status, "accuracy", ())
    assert said in result.reason
    assert GateResult.model_validate_json(next(Path("gate_results").rglob("*.json")).read_text()) == result
    (todo,) = [line for line in remarks(result) if line.startswith("next: ")]
    assert "operators" not in todo
    assert meaning(result) != "slower"


def test_a_candidate_that_keeps_the_limit_is_measured_and_that_is_noted(pinned: Path, artifact: Path) -> None:
    evaluated(artifact, 0)
    Path("gate.toml").write_text(CALM + "max_drop = 1.0\n")
    result = run(artifact)
    assert result.decided_by == "latency"
    assert result.pairs
    assert result.notes[0].startswith("accuracy: within 1 points is proven")


# The file


def test_a_file_that_breaks_a_limit_fails_unmeasured(pinned: Path, artifact: Path) -> None:
    Path("gate.toml").write_text(CALM + "max_size_mb = 0.0001\n")
    result = run(artifact)
    assert (result.status, result.decided_by, result.pairs) == ("FAIL", "file", ())
    assert "MB, and max_size_mb is 0.0001" in result.reason
    assert meaning(result) == "the file breaks a limit"
    assert any("raise the limit in gate.toml" in line for line in remarks(result))


def evaluated(artifact: Path, lost: int | None) -> None:
    """Keep an evaluation in which the float network alone is right on ``lost`` of 4000 images; None for none."""
    if lost is None:
        return
    scored = Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64)
    drop = paired_drop(np.arange(4000) >= lost, np.ones(4000, bool))
    found = Evaluation(subject=scored, reference=scored, data="photos", images=4000, classes=5, drop=drop)
    keep(read_manifest(artifact), found)
