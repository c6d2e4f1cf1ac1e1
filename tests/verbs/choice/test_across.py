"""``compare`` of more than two artifacts."""

import shutil
from pathlib import Path

import pytest

from edgekit.bench.session import Limits
from edgekit.errors import NotComparableError, UsageError
from edgekit.reports.store import load
from edgekit.verbs.choice import across as module
from edgekit.verbs.choice.across import across, named, ratios_of

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")
SHORT = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=20, min_s=0.01, max_s=0.2)


@pytest.fixture
def root(tiny: Path, tmp_path: Path) -> Path:
    for profile in ("onnx-fp32", "tflite-fp32"):
        shutil.copytree(tiny / profile, tmp_path / "artifacts" / "tiny" / profile)
    return tmp_path / "artifacts"


def test_a_model_means_all_of_its_artifacts(root, monkeypatch, heard):
    monkeypatch.setattr(module, "BRIEF", SHORT)
    found = across(["tiny"], count=5, artifacts=root, progress=heard)
    assert {one.name for one in found.standings} == {"onnx-fp32", "tflite-fp32"}
    first, second = found.standings
    assert first.ratio is None
    assert second.ratio is not None
    assert second.ratio.ratio >= 1
    assert second.ratio.pairs == 5
    assert all(one.measurement.peak_rss_bytes and one.cold_ms > 0 for one in found.standings)
    assert heard.lines[-1] == "round"


def test_the_fastest_is_told_from_the_pairs():
    def launch(ms):
        return BASE.model_copy(update={"samples_ns": (round(ms * 1e6),) * 20})

    taken = [{"a": launch(4 + n / 100), "b": launch(5 + n / 50), "c": launch(8 + n / 90)} for n in range(6)]
    found = ratios_of(taken, ["b", "c", "a"])
    assert set(found) == {"b", "c"}
    assert 1.2 < found["b"].ratio < 1.3
    assert 1.9 < found["c"].ratio < 2.1
    assert found["b"].confidence == pytest.approx(1 - 0.05 / 3)


def test_what_cannot_be_compared_is_refused(root):
    with pytest.raises(UsageError, match="means one artifact"):
        across([str(root / "tiny" / "onnx-fp32")], artifacts=root)
    with pytest.raises(UsageError, match="--pairs must be at least"):
        across(["tiny"], count=2, artifacts=root)
    with pytest.raises(NotComparableError, match="emulated"):
        across(["tiny"], "virtual-rpi4", artifacts=root)


def test_names_tell_the_artifacts_apart(root):
    from edgekit.artifacts.store import read_manifest

    onnx = read_manifest(root / "tiny" / "onnx-fp32")
    assert list(named([onnx, onnx])) == [str(onnx.folder)]
