"""The roofline of measurements: really measured, with short looks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import edgekit.bench.attained as under_test
from edgekit.base.progress import silent
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits
from edgekit.errors import UsageError
from edgekit.reports.store import load
from edgekit.types import Device
from edgekit.verbs.profile import profile

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny network in float32; peaks are looked at briefly."""
    monkeypatch.setattr(under_test, "PEAKS_S", 0.1)
    return Path(shutil.copytree(TINY / "onnx-fp32", tmp_path / "artifacts" / "tiny" / "onnx-fp32"))


def test_a_measurement_keeps_its_place_under_the_roof(artifact: Path, tmp_path: Path) -> None:
    manifest = json.loads((artifact / "manifest.json").read_text())
    manifest["layers"] = [{"name": "conv", "macs": manifest["macs"], "elements": 5000}]
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    outcome = profile([str(artifact)], reports_root=tmp_path / "reports", roofline=True, limits=SHORT)
    outcome.raise_failures()
    (kept,) = map(load, outcome.reports)
    assert kept.roofline is not None
    assert kept.ceilings is not None
    assert kept.roofline.latency_ns == kept.p50_ms * 1e6
    assert kept.roofline.macs == manifest["macs"]
    assert 0 < kept.roofline.roofline_share < 1
    assert kept.ceilings.macs_per_s["fp32"] > 1e8


def test_an_artifact_without_layers_says_how_to_get_them(artifact: Path, tmp_path: Path) -> None:
    outcome = profile([str(artifact)], reports_root=tmp_path / "reports", roofline=True, limits=SHORT)
    with pytest.raises(UsageError, match="lists no layers") as caught:
        outcome.raise_failures()
    assert caught.value.hint == "export it again"


def test_an_emulated_board_has_no_peaks() -> None:
    with pytest.raises(UsageError, match="emulated"):
        under_test.measure_ceilings(ThisMachine(), Device(id="virtual-rpi4", transport="virtual"), 1, silent)
