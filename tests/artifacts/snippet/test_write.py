"""The program beside an artifact: it runs by itself and prepares photos as edgekit does."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.artifacts.snippet.write import SNIPPET_FILE, write_snippet
from edgekit.artifacts.store import read_manifest
from edgekit.base.images.pixels import BUNDLED, load_image, to_input
from edgekit.types import Artifact, Preprocessing, QuantParams, TensorSpec

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny"
PHOTOS = sorted(BUNDLED.glob("*.jpg"))[:4]
PLAIN: dict[str, Any] = {"interpolation": "bilinear", "channels": "RGB", "mean": (0.485, 0.456, 0.4), "std": (0.2,) * 3}
WAYS = [
    Preprocessing(resize=73, crop=64, **PLAIN),
    Preprocessing(resize=64, crop=64, **PLAIN | {"interpolation": "bicubic", "channels": "BGR"}),
    Preprocessing(resize=(70, 90), crop=(64, 80), **PLAIN),
    Preprocessing(resize=100, crop=(64, 80), **PLAIN),
    Preprocessing(resize=33, crop=32, **PLAIN | {"channels": "L", "mean": (0.3,), "std": (0.35,)}),
]


def placed(folder: Path, profile: str) -> tuple[Path, Artifact]:
    """A copy of a tiny artifact with its program."""
    shutil.copytree(TINY / profile, folder / profile)
    artifact = read_manifest(folder / profile).artifact
    write_snippet(folder / profile, artifact.runtime)
    return folder / profile, artifact


def used(folder: Path, *arguments: str | Path) -> str:
    """What the program prints; nothing of edgekit is on its path."""
    program = [sys.executable, "-I", str(folder / SNIPPET_FILE), *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("profile", sorted(path.name for path in TINY.iterdir() if path.is_dir()))
def test_it_runs_every_tiny_artifact(tmp_path: Path, profile: str) -> None:
    folder, artifact = placed(tmp_path, profile)
    spec = artifact.inputs[0]
    values = np.zeros(spec.shape, spec.dtype)
    np.savez(tmp_path / "in.npz", **{spec.name: values})
    assert artifact.outputs[0].name in used(folder, tmp_path / "in.npz", tmp_path / "out.npz")
    made = np.load(tmp_path / "out.npz")[artifact.outputs[0].name]
    assert made.shape == artifact.outputs[0].shape
    if (folder / "classes.txt").is_file():
        assert (folder / "classes.txt").read_text().splitlines()[0] in used(folder, PHOTOS[0])


def test_a_photo_that_is_not_there(tmp_path: Path) -> None:
    folder, _ = placed(tmp_path, "tflite-fp32")
    program = [sys.executable, "-I", str(folder / SNIPPET_FILE), "nowhere.jpg"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "no such file: nowhere.jpg\n")


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_photos_become_what_edgekit_makes_of_them(tmp_path: Path, way: Preprocessing, dtype: str) -> None:
    folder, _ = placed(tmp_path, "tflite-fp32")
    found = importlib.util.spec_from_file_location("use_snippet", folder / SNIPPET_FILE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    spec = TensorSpec(
        name="input",
        shape=(1, *way.size, len(way.mean)),
        layout="NHWC",
        dtype=dtype,
        quantization=None if dtype == "float32" else QuantParams(scale=0.02, zero_point=114),
        preprocessing=way,
    )
    for photo in PHOTOS:
        expected = to_input(load_image(photo, way)[None], spec)
        assert np.array_equal(module.photo_to_input(photo, spec.model_dump(mode="json")), expected)
