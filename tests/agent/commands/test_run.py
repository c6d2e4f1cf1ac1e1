from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ToolError

Ask = Callable[..., dict[str, Any]]


def photos(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((count, 3, 8, 8), dtype=np.float32)


def test_the_runtimes_agree(ask: Ask, tmp_path: Path) -> None:
    outputs = {}
    for name in ("onnxruntime", "openvino", "litert"):
        x = photos() if name != "litert" else photos().transpose(0, 2, 3, 1)
        np.save(tmp_path / "x.npy", x)
        value = ask("run", name, inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
        assert value["count"] == 3
        assert value["output_dtype"] == "float32"
        outputs[name] = np.load(tmp_path / "y.npy")
        assert outputs[name].shape == (3, 5)
    np.testing.assert_allclose(outputs["openvino"], outputs["onnxruntime"], atol=1e-5)
    np.testing.assert_allclose(outputs["litert"], outputs["onnxruntime"], atol=1e-5)
    assert np.ptp(outputs["litert"], axis=0).min() > 0  # every image got its own answer


def test_int8_goes_in_and_comes_out_as_stored(ask: Ask, tiny: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 3), np.int8))
    model = str(tiny / "tflite-int8" / "model.tflite")
    value = ask("run", "litert", model=model, inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
    assert value["output_dtype"] == "int8"
    assert np.load(tmp_path / "y.npy").dtype == np.int8


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (photos().astype(np.float64), "is float64; the model's input 'image' takes float32"),
        (photos().transpose(0, 2, 3, 1), r"has shape \[1, 8, 8, 3\]; the model's input 'image' takes \[1, 3, 8, 8\]"),
        (photos(0), r"has shape \[0, 3, 8, 8\]"),
    ],
)
def test_run_refuses_what_the_model_does_not_take(ask: Ask, tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ToolError, match=message):
        ask("run", "onnxruntime", inputs=str(tmp_path / "x.npy"), outputs=str(tmp_path / "y.npy"))
    assert not (tmp_path / "y.npy").exists()
