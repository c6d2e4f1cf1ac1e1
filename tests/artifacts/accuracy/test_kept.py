"""Evaluations beside an artifact: kept, replaced, stale, damaged, found again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.artifacts.accuracy.kept import FILE, MOST, evaluations_of, foremost, keep, known_evaluations
from edgekit.artifacts.store import read_manifest
from edgekit.base.stats import wilson
from edgekit.errors import UsageError
from edgekit.types import Evaluation, Scored, Stored

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny"
FLOAT = Scored(kind="network", model="tiny", name="trained.pth", sha256="b" * 64)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    folder = tmp_path / "artifacts" / "tiny" / "openvino-fp32"
    shutil.copytree(TINY / "openvino-fp32", folder)
    return read_manifest(folder)


def made(stored: Stored, data: str = "photos", hits: int = 9, **more: object) -> Evaluation:
    artifact = stored.artifact
    subject = Scored(kind="artifact", model="tiny", name=artifact.profile, sha256=artifact.sha256)
    found = Evaluation(subject=subject, data=data, images=10, classes=5, top1=wilson(hits, 10))
    return found.model_copy(update=more)


def test_the_latest_of_the_same_images_replaces_the_one_before(stored: Stored) -> None:
    for one in (made(stored), made(stored, "others"), made(stored, hits=8), made(stored, device="rpi4")):
        keep(stored, one)
    found = evaluations_of(stored)
    assert [(one.data, one.top1.hits, one.device) for one in found if one.top1] == [
        ("others", 9, None),
        ("photos", 8, None),
        ("photos", 9, "rpi4"),
    ]


def test_no_more_than_so_many_are_kept(stored: Stored) -> None:
    for number in range(MOST + 3):
        keep(stored, made(stored, f"set {number}"))
    assert [one.data for one in evaluations_of(stored)][:2] == ["set 3", "set 4"]


def test_an_artifact_that_changed_leaves_them_stale_whichever_file_it_was(stored: Stored) -> None:
    keep(stored, made(stored))
    path = stored.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["files"][1]["name"].endswith(".bin")
    manifest["files"][1]["sha256"] = "c" * 64  # OpenVINO's weights alone
    path.write_text(json.dumps(manifest))
    assert evaluations_of(read_manifest(stored.folder)) == ()
    keep(read_manifest(stored.folder), made(stored, "new"))
    assert [one.data for one in evaluations_of(read_manifest(stored.folder))] == ["new"]


def test_what_is_against_a_float_network_is_shown_first(stored: Stored) -> None:
    from numpy import ones

    from edgekit.verify.accuracy import paired_drop

    drop = paired_drop(ones(10, bool), ones(10, bool))
    against = made(stored, "a", reference=FLOAT, drop=drop)
    assert foremost([against, made(stored, "b")]) == against
    assert foremost([made(stored, "a"), made(stored, "b")]) == made(stored, "b")
    assert foremost([made(stored, top1=None)]) is None


def test_found_again_by_the_digests(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "artifacts"
    assert known_evaluations(root) == ({}, ())
    assert known_evaluations(tmp_path / "none") == ({}, ())
    keep(stored, made(stored))
    artifact = stored.artifact
    assert known_evaluations(root)[0] == {(artifact.sha256, artifact.weights.sha256): made(stored)}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"artifact": "x", "evaluations": []}', '{"evaluations": [{"a": 1}]}'])
def test_a_damaged_file_is_named_and_replaced(stored: Stored, tmp_path: Path, text: str) -> None:
    (stored.folder / FILE).write_text(text)
    with pytest.raises(UsageError, match=r"evaluations\.json"):
        evaluations_of(stored)
    found, damaged = known_evaluations(tmp_path / "artifacts")
    assert (found, len(damaged)) == ({}, 1)
    keep(stored, made(stored))
    assert evaluations_of(stored) == (made(stored),)


def test_a_link_out_of_the_folder_is_refused(stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (stored.folder / FILE).symlink_to(tmp_path / "secret.json")
    with pytest.raises(UsageError):
        evaluations_of(stored)
