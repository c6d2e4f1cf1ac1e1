"""int8 with trained weights, plain and edgekit's, on photos that calibration has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import real_weights
from edgekit.errors import ToolError


@pytest.fixture
def one_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """SqueezeNet in ONNX alone."""
    monkeypatch.setattr(real_weights, "WEIGHTS", {"squeezenet_1.1": real_weights.WEIGHTS["squeezenet_1.1"]})
    monkeypatch.setattr(real_weights, "FORMATS", ("onnx",))


@pytest.mark.network
@pytest.mark.slow
def test_both_sides_of_a_trained_network(one_cell: None, tmp_path: Path) -> None:
    found = real_weights.real_weights(tmp_path)
    (row,) = found["rows"]
    assert (found["photos"], row["model"], row["format"]) == (20, "squeezenet_1.1", "onnx")
    assert 25 < row["plain"]["sqnr_db"] < 45
    assert 30 < row["edgekit"]["sqnr_db"] < 45
    assert min(row[side]["agree"] for side in ("plain", "edgekit")) >= 17
    (kept,) = tmp_path.iterdir()
    made = kept.stat().st_mtime_ns
    assert real_weights.real_weights(tmp_path) == found
    assert kept.stat().st_mtime_ns == made


@pytest.mark.network
def test_failures_are_told_and_not_kept(one_cell: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **_more: Any) -> None:
        raise ToolError("the child crashed with SIGABRT")

    monkeypatch.setattr(real_weights, "make_plain", fail)
    monkeypatch.setattr(real_weights, "run_named", fail)
    (row,) = real_weights.real_weights(tmp_path)["rows"]
    assert row["plain"] == row["edgekit"] == {"error": "the child crashed with SIGABRT"}
    assert list(tmp_path.iterdir()) == []
