"""The verbs with plain arguments, as ``import edgekit`` offers them."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.artifacts.store import read_manifest
from edgekit.errors import UsageError


def test_two_files_of_a_network(tiny: Path) -> None:
    found = edgekit.verify_file(tiny / "openvino-fp32", against=read_manifest(tiny / "onnx-fp32"))
    assert found.passed
    assert [one.name for one in found.outputs] == ["logits"]


def test_a_measurement_is_kept(tiny: Path, tmp_path: Path) -> None:
    (one,) = edgekit.profile(tiny / "onnx-fp32", streams=[2], reports=tmp_path / "reports")
    assert one.throughput is not None
    assert (one.throughput[0].streams, one.threads) == (2, 1)
    assert list((tmp_path / "reports" / "local").glob("*.json"))


def test_names_that_mean_nothing_or_too_much(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such artifact"):
        edgekit.profile("no/where")
    with pytest.raises(UsageError, match="means 4 artifacts"):
        edgekit.run_gate(tiny, baseline=tiny, results=tmp_path)
    with pytest.raises(UsageError, match="no baseline"):
        edgekit.run_gate(tiny / "onnx-fp32", baseline=tmp_path, results=tmp_path)
    with pytest.raises(UsageError, match="--pairs must be at least 5"):
        edgekit.compare(tiny / "onnx-fp32", tiny / "onnx-fp32", pairs=2)
