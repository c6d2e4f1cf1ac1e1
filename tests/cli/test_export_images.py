"""Images that cannot be read, or that int8 cannot be calibrated on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.exporting import files, refused

# Images


def images(kind: str, folder: Path) -> Path:
    """A source of images that is wrong in one way."""
    photos = folder / "photos"
    if kind == "missing":
        return photos
    photos.mkdir()
    if kind == "no image":
        (photos / "notes.txt").write_text("no photo")
    if kind == "broken":
        (photos / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    if kind == "wrong array":
        np.savez(folder / "a.npz", images=np.zeros((2, 3, 64, 64), np.uint8))
        return folder / "a.npz"
    if kind == "other array":
        np.savez(folder / "a.npz", pictures=np.zeros((2, 64, 64, 3), np.uint8))
        return folder / "a.npz"
    if kind == "no npz":
        (folder / "a.npz").write_bytes(b"text")
        return folder / "a.npz"
    return photos


@pytest.mark.parametrize("option", ["--calibration", "--parity-data"])
@pytest.mark.parametrize(
    ("kind", "cause", "step"),
    [
        ("missing", "no folder of images at", "synthetic"),
        ("empty", "holds no image (0 other files)", ".jpg"),
        ("no image", "holds no image (1 other files)", ".jpg"),
        ("broken", "a.jpg is not a readable image", "remove it"),
        ("wrong array", "images is uint8 [2, 3, 64, 64]", "uint8 [N, H, W, 3]"),
        ("other array", "holds no array named images", "np.savez"),
        ("no npz", "cannot read", "np.savez"),
    ],
)
def test_wrong_images(edgekit, project, card, option, kind, cause, step):
    path = images(kind, project)
    before = files(project)
    done = edgekit("export", "small", "-f", "onnx", "--int8", option, path)
    refused(done, 2, cause, step)
    assert files(project) == before


def test_images_that_int8_cannot_be_calibrated_on(edgekit, project, card):
    np.savez(project / "black.npz", images=np.zeros((3, 64, 64, 3), np.uint8))
    before = files(project)
    done = edgekit("export", "small", "-f", "all", "--int8", "--calibration", "black.npz")
    assert done.returncode == 2, done.stderr
    cause = "the calibration images are 3, each of a single colour (first [0, 0, 0]): int8 ranges cannot follow"
    assert done.stderr.count(cause) == 3
    assert "3 failed to convert" in done.stderr
    assert files(project) == before


def test_saturated_calibration_is_said_and_kept(edgekit, project, card):
    images = np.random.default_rng(0).choice(np.uint8([0, 255]), (3, 64, 64, 3))
    np.savez(project / "hard.npz", images=images)
    done = edgekit("export", "small", "-f", "tflite", "--int8", "--calibration", "hard.npz", "--json")
    assert "100% of the calibration images' values are saturated" in done.stderr, done.stderr
    (outcome,) = json.loads(done.stdout)
    assert any("saturated" in note for note in outcome["manifest"]["notes"])
