"""Artifacts that take several images at once, from the export to the measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import silent
from edgekit.bench.session import Limits
from edgekit.convert.job import Job
from edgekit.errors import UsageError
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Stored
from edgekit.types.profiles import BatchSize
from edgekit.verbs.export import export
from edgekit.verbs.profile import Profiled, profile

BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=3, min_s=0.0, max_s=1.0)


def made(card: Path, out: Path, format_: str, precision: str, batch: BatchSize | None) -> Stored:
    """The one artifact of a card."""
    profiles = choose_profiles(format_, int8=precision == "int8", batch=batch)
    (outcome,) = export([str(card)], profiles, ExportOptions(calibration="synthetic", out=out), silent)
    assert outcome.status == "converted", outcome.error
    assert outcome.artifact is not None
    assert outcome.folder is not None
    return Stored(outcome.folder, outcome.artifact)


def measured(stored: Stored, tmp_path: Path, batch: int | None = None) -> Profiled:
    done = profile([str(stored.folder)], reports_root=tmp_path / "reports", limits=BRIEF, batch=batch)
    done.raise_failures()
    return done


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_a_fixed_batch(tiny_condensenet: Path, tmp_path: Path, format_: str) -> None:
    """int8 of three images is int8 of one: the same ranges, the same outputs; the measurement is of three."""
    one = made(tiny_condensenet, tmp_path, format_, "int8", None)
    three = made(tiny_condensenet, tmp_path, format_, "int8", 3)
    assert three.folder.name == f"{format_}-int8-batch-3"
    assert (one.artifact.batch, three.artifact.batch) == (1, 3)
    assert three.artifact.outputs[0].shape[0] == 3
    assert "--batch 3" in three.artifact.command
    assert three.artifact.parity.sqnr_db == pytest.approx(one.artifact.parity.sqnr_db, abs=1e-3)
    with np.load(three.folder / "check.npz") as check:
        assert (len(check["input"]), len(check["reference"])) == (3, 3)
    (taken,) = measured(three, tmp_path).measurements
    assert taken.batch == 3
    assert taken.key.endswith("-b3")
    assert taken.device_cosine is not None
    with pytest.raises(UsageError, match=r"takes 3 image\(s\) an inference, not 2"):
        measured(three, tmp_path, batch=2)


@pytest.mark.parametrize(("format_", "precision"), [("onnx", "fp32"), ("onnx", "int8"), ("openvino", "int8")])
def test_an_open_batch(tiny_condensenet: Path, tmp_path: Path, format_: str, precision: str) -> None:
    """The caller chooses; a number that was not there at export works as well."""
    stored = made(tiny_condensenet, tmp_path, format_, precision, "dynamic")
    assert stored.folder.name == f"{format_}-{precision}-batch-dynamic"
    assert stored.artifact.batch is None
    assert stored.artifact.inputs[0].shape[0] == stored.artifact.outputs[0].shape[0] == -1
    (one,) = measured(stored, tmp_path).measurements
    (five,) = measured(stored, tmp_path, batch=5).measurements
    assert (one.batch, five.batch) == (1, 5)
    assert one.key != five.key


def test_what_no_batch_is() -> None:
    with pytest.raises(UsageError, match="the shapes of a TFLite file are fixed"):
        choose_profiles("tflite", batch="dynamic")
    with pytest.raises(UsageError, match="less than or equal to 1024"):
        choose_profiles("onnx", batch=2000)


def test_calibration_data_comes_in_whole_batches(tmp_path: Path) -> None:
    """The last batch is filled up with the first images, which no range notices."""
    profile_ = choose_profiles("onnx", batch=4)[0]
    inputs = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1)
    job = Job(None, profile_, "x86-vnni", None, inputs, tmp_path)  # type: ignore[arg-type]  # neither is looked at
    assert [batch.ravel().tolist() for batch in job.batches] == [[0, 1, 2, 3], [4, 5, 0, 1]]
    assert job.sample.shape == (4, 1, 1, 1)
