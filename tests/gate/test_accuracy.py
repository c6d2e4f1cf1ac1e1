"""The gate's limit of accuracy: what an evaluation proves, and what is left open without one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.accuracy.kept import FILE, keep
from edgekit.artifacts.store import read_manifest
from edgekit.gate.accuracy import accuracy_status
from edgekit.types import Evaluation, Scored, Stored
from edgekit.verify.accuracy import paired_drop

TINY = Path(__file__).parents[1] / "data" / "artifacts" / "tiny"


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return read_manifest(Path(shutil.copytree(TINY / "tflite-int8", tmp_path / "tflite-int8")))


def evaluated(stored: Stored, lost: int, images: int = 4000) -> None:
    """An evaluation in which the float network alone is right on ``lost`` images, kept."""
    right = np.ones(images, bool)
    worse = right.copy()
    worse[:lost] = False
    found = Evaluation(
        subject=Scored(kind="artifact", model="tiny", name="tflite-int8", sha256=stored.artifact.sha256),
        reference=Scored(kind="network", model="tiny", name="trained.pth", sha256="a" * 64),
        data="photos",
        images=images,
        classes=5,
        drop=paired_drop(worse, right),
    )
    keep(stored, found)


def test_what_the_evaluation_proves(stored: Stored) -> None:
    assert accuracy_status(stored, 1.0)[0] == "INCONCLUSIVE"
    for lost, status in ((8, "PASS"), (40, "INCONCLUSIVE"), (120, "FAIL")):
        evaluated(stored, lost)
        found, reason = accuracy_status(stored, 1.0)
        assert found == status
        assert "on 4000 images of photos" in reason


def test_without_an_evaluation_the_command_is_named(stored: Stored) -> None:
    status, reason = accuracy_status(stored, 1.0)
    assert status == "INCONCLUSIVE"
    assert f"edgekit evaluate {stored.folder} --data DATA --against float" in reason


def test_an_evaluation_of_another_file_proves_nothing(stored: Stored) -> None:
    evaluated(stored, 0)
    path = stored.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][0]["sha256"] = "d" * 64
    path.write_text(json.dumps(manifest))
    status, reason = accuracy_status(read_manifest(stored.folder), 1.0)
    assert status == "INCONCLUSIVE"
    assert "the artifact was changed since" in reason


def test_a_damaged_file_is_no_proof(stored: Stored) -> None:
    (stored.folder / FILE).write_text("{")
    assert accuracy_status(stored, 1.0)[0] == "INVALID"
