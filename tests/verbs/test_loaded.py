"""Artifacts loaded in one's own process."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.artifacts.store import read_manifest, write_manifest
from edgekit.base.images.pixels import BUNDLED, load_image, to_input
from edgekit.errors import ToolError, UsageError
from edgekit.types import Preprocessing

VALUES = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)


@pytest.mark.parametrize("profile", ["onnx-fp32", "openvino-fp32", "tflite-fp32", "tflite-int8"])
def test_real_numbers_in_and_out(tiny: Path, profile: str) -> None:
    """The layout and the type of the input are the file's; float in NCHW or in NHWC becomes that."""
    model = edgekit.load(tiny / profile)
    (spec,), (out,) = model.inputs, model.outputs
    first = model.run(VALUES)[out.name]
    assert first.shape == (1, 5)
    assert first.dtype == np.float32
    assert np.array_equal(first, model.run(**{spec.name: VALUES})[out.name])
    reference = edgekit.load(tiny / "onnx-fp32").run(VALUES)["logits"]
    noise = float(((first - reference) ** 2).sum() / (reference**2).sum())
    assert noise < (0.05 if "int8" in profile else 1e-8)
    again = model.run(-VALUES)[out.name]
    assert not np.array_equal(first, again)


def test_stored_integers_are_taken_as_they_are(tiny: Path) -> None:
    model = edgekit.load(read_manifest(tiny / "tflite-int8"))
    (spec,) = model.inputs
    assert spec.quantization is not None
    codes = np.full(spec.shape, -20, np.int8)
    same = (codes.astype(np.float32) - spec.quantization.zero_point) * np.float32(spec.quantization.scale)
    assert np.array_equal(model.run(codes)["output_0"], model.run(same)["output_0"])


def test_a_model_file_of_others(tiny: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(tiny / "onnx-fp32" / "model.onnx", tmp_path / "theirs.onnx"))
    model = edgekit.load(file)
    assert model.artifact.parity is None
    assert np.array_equal(model.run(VALUES)["logits"], edgekit.load(tiny / "onnx-fp32").run(VALUES)["logits"])


def test_photos(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tflite-int8", tmp_path / "a")
    artifact = read_manifest(tmp_path / "a").artifact
    how = Preprocessing(resize=9, crop=8, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    spec = artifact.inputs[0].model_copy(update={"preprocessing": how})
    write_manifest(tmp_path / "a", artifact.model_copy(update={"inputs": (spec,)}))
    model, photo = edgekit.load(tmp_path / "a"), min(BUNDLED.glob("*.jpg"))
    assert np.array_equal(model.image(photo), to_input(load_image(photo, how)[None], spec))
    assert model.run(model.image(str(photo)))["output_0"].shape == (1, 5)
    with pytest.raises(UsageError, match="nobody said how a photo becomes the input"):
        edgekit.load(tiny / "tflite-int8").image(photo)


def test_what_does_not_fit(tiny: Path, tmp_path: Path) -> None:
    model = edgekit.load(tiny / "onnx-fp32")
    with pytest.raises(UsageError, match=r"2 inputs in order and \[\] by name; the model takes image"):
        model.run(VALUES, VALUES)
    with pytest.raises(UsageError, match=r"0 inputs in order and \['picture'\] by name"):
        model.run(picture=VALUES)
    with pytest.raises(UsageError, match=r"the input image is \[1, 3, 8, 8\]"):
        model.run(VALUES[:, :, :4])
    with pytest.raises(UsageError, match=r"image is int64 \[1, 3, 8, 8\]; the input takes float32"):
        model.run(VALUES.astype(np.int64))
    shutil.copytree(tiny / "onnx-fp32", tmp_path / "a")
    (tmp_path / "a" / "model.onnx").write_bytes(b"something else")
    with pytest.raises(UsageError, match="is not the file that was verified"):
        edgekit.load(tmp_path / "a")
    with pytest.raises(UsageError, match="no such"):
        edgekit.load("nowhere/at/all")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises((ToolError, UsageError)):
        edgekit.load(broken)
