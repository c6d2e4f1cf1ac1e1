"""Networks whose input is not a square of three channels, from the card to the evaluation of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifacts.accuracy.subjects import Wanted
from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import silent
from edgekit.catalog import profile_for
from edgekit.verbs.evaluate import evaluate
from edgekit.verbs.export import export
from edgekit.zoo.preprocessing import Wishes

LAYOUTS = {"onnx": (1, 1, 12, 20), "tflite": (1, 12, 20, 1), "openvino": (1, 1, 12, 20)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        coarse.resize((40, 30 + number), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder


@pytest.mark.parametrize("format_", LAYOUTS)
def test_an_oblong_grey_network_works_end_to_end(tiny_condensenet: Path, photos: Path, tmp_path: Path, format_) -> None:
    """The card says it for ONNX; for the others the command line does."""
    text, wishes = tiny_condensenet.read_text(), Wishes()
    if format_ == "onnx":
        text = text.replace("[3, 8, 8]", "[1, 12, 20]").replace("= 8", "= 12")
        text = text.replace("[0.5, 0.5, 0.5]", "[0.5]").replace("[0.25, 0.25, 0.25]", "[0.25]")
    else:
        wishes = Wishes(mean=(0.5,), std=(0.25,), channels="L", input_size=(12, 20))
    tiny_condensenet.write_text(text)
    model, out = str(tiny_condensenet), tmp_path / "out"
    options = ExportOptions(calibration=str(photos), out=out, input=wishes)
    (outcome,) = export([model], [profile_for(format_, "fp32")], options, silent)
    assert outcome.status == "converted", outcome.error
    assert outcome.artifact is not None
    assert outcome.artifact.inputs[0].shape == LAYOUTS[format_]
    made = outcome.artifact.inputs[0].preprocessing
    assert made is not None
    assert (made.size, made.channels) == ((12, 20), "L")
    assert "--input-size 12x20" in outcome.artifact.command or format_ == "onnx"
    found = evaluate(str(outcome.folder), str(photos), None, model, Wanted(wishes=wishes), silent)
    assert found.sqnr_db is not None
    assert found.sqnr_db > 80
