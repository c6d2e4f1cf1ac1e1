"""Two files of one network, compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.find import find_artifacts
from edgekit.errors import UsageError, VerificationError
from edgekit.verbs.verify import verify


@pytest.fixture
def files(tiny: Path, tmp_path: Path) -> Path:
    """The tiny network in several files, none with a manifest."""
    for profile, name in (("onnx-fp32", "net"), ("tflite-fp32", "net"), ("tflite-int8", "small")):
        for file in (tiny / profile).glob("model.*"):
            shutil.copy(file, tmp_path / f"{name}{file.suffix}")
    return tmp_path


def test_float_files_of_two_layouts_agree_and_are_kept_as_verified(files: Path) -> None:
    found = verify(str(files / "net.tflite"), str(files / "net.onnx"))
    assert found.passed
    assert found.outputs[0].parity.sqnr_db > 80
    (again,) = find_artifacts([str(files / "net.tflite")], files)
    assert again.artifact.parity is not None


def test_int8_on_data(files: Path) -> None:
    """The data is real numbers; the file that stores integers gets them quantized."""
    images = np.random.default_rng(1).random((5, 3, 8, 8), np.float32)
    np.savez(files / "x.npz", image=images)
    easy = {"min_image_sqnr_db": None}  # noise: the images hardly differ
    found = verify(str(files / "small.tflite"), str(files / "net.onnx"), str(files / "x.npz"), tolerance=easy)
    assert found.passed
    assert found.data.count == 5
    assert 15 < found.outputs[0].parity.sqnr_db < 60
    strict = verify(
        str(files / "small.tflite"), str(files / "net.onnx"), str(files / "x.npz"), tolerance={"min_sqnr_db": 90}
    )
    assert not strict.passed
    assert "below 90 dB" in strict.outputs[0].parity.failures[0]


def test_a_reference_whose_output_is_not_finite_agrees_with_nothing(files: Path) -> None:
    """The quantized file makes numbers of it: no bound is missed by a comparison with NaN."""
    np.savez(files / "x.npz", image=np.full((2, 3, 8, 8), np.inf, np.float32))
    with pytest.raises(VerificationError, match="values of the reference are not finite"):
        verify(str(files / "small.tflite"), str(files / "net.onnx"), str(files / "x.npz"))
    (kept,) = find_artifacts([str(files / "small.tflite")], files)
    assert kept.artifact.parity is None


def test_another_network_is_told(files: Path, tiny: Path) -> None:
    import onnx

    model = onnx.load_model(files / "net.onnx")
    for weight in model.graph.initializer:
        if len(weight.dims) == 4:
            weight.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weight), weight.name))
    onnx.save_model(model, files / "other.onnx")
    found = verify(str(files / "other.onnx"), str(files / "net.onnx"))
    assert not found.passed
    (kept,) = find_artifacts([str(files / "other.onnx")], files)
    assert kept.artifact.parity is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"other": np.zeros((2, 3, 8, 8), np.float32)}, "has no array 'image' or '0', only other"),
        ({"image": np.zeros((2, 3, 9, 8), np.float32)}, r"image is float32 \[2, 3, 9, 8\]; the input takes float32"),
        ({"image": np.zeros((0, 3, 8, 8), np.float32)}, r"have \[0\] sets"),
        ({"image": np.zeros((2, 3, 8, 8), "U3")}, "the input takes float32"),
    ],
)
def test_data_that_does_not_fit(files: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(files / "x.npz", **arrays)
    with pytest.raises(UsageError, match=message):
        verify(str(files / "net.tflite"), str(files / "net.onnx"), str(files / "x.npz"))


def test_data_that_is_no_npz(files: Path) -> None:
    (files / "x.npz").write_text("nothing")
    with pytest.raises(UsageError, match=r"is not an \.npz of arrays"):
        verify(str(files / "net.tflite"), str(files / "net.onnx"), str(files / "x.npz"))
