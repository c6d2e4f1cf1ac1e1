"""The whole benchmark with one small network, and what its command line refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgekit
from benchmarks import bench, rounds
from edgekit.base.files import sha256_file
from edgekit.bench import turns
from edgekit.bench.turns import TURNS

ROOT = Path(edgekit.__file__).parent.parent


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A card of the user's: SqueezeNet 1.1 at 64 pixels with twenty classes."""
    text = (ROOT / "models" / "squeezenet_1.1.toml").read_text().split("[[weights]]")[0]
    text = text.replace('id = "squeezenet_1.1"', 'id = "small"').replace("224", "64")
    text = text.replace("resize = 256", "resize = 72").replace("num_classes = 1000", "num_classes = 20")
    folder = tmp_path / "config" / "edgekit" / "models"
    folder.mkdir(parents=True)
    lines = [line for line in text.splitlines() if not line.startswith("aliases")]
    (folder / "small.toml").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return "small"


def test_unknown_networks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["mobilnet_v2", "--cache", str(tmp_path)]) == 2
    assert "did you mean mobilenet_v2" in capsys.readouterr().err


def test_there_must_be_results_to_render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--render", "--out", str(tmp_path)]) == 2
    assert "measure first" in capsys.readouterr().err


def test_the_default_is_one_network_of_each_family_on_three_runtimes() -> None:
    ids = [card.id for card in bench.default_cards()]
    assert len(ids) == 11
    assert {"mobilenet_v3_large_1.0", "condensenet_imagenet74_g4c4", "shufflenet_v1_g3_1.0"} <= set(ids)
    assert len(bench.full_matrix()) == 33


@pytest.mark.slow
def test_one_network_from_export_to_page(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rounds, "LAUNCH", {**rounds.LAUNCH, "warmup_min_s": 0.0, "max_s": 0.1})
    monkeypatch.setattr(turns, "TURN", {"min_iterations": 2, "min_s": 0.0})  # no figure is judged
    readme = sha256_file(ROOT / "README.md")
    cache, out = tmp_path / "cache", tmp_path / "out"
    part = [small, "--format", "onnx", "--cache", str(cache), "--out", str(out)]

    assert bench.main([*part, "--build-only"]) == 0
    assert not (out / "bench.json").exists()
    made = {path: path.stat().st_mtime_ns for path in cache.rglob("model.onnx")}
    assert len(made) == 5

    # Five rounds, then the time is over; the artifacts are those of before.
    assert bench.main([*part, "--max-rounds", "5", "--target", "0"]) == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("model.onnx")} == made
    results = json.loads((out / "bench.json").read_text())
    assert len(results["rounds"]) == 5
    assert not results["complete"]
    (network,) = results["networks"]
    artifacts = network["artifacts"]
    assert artifacts["plain-int8"]["facts"]["sqnr_db"] > 5
    assert artifacts["plain-fp32"]["facts"]["sqnr_db"] > 80
    assert sum(macs for _, macs, _ in network["layers"]) > 1_000_000
    for name in ("plain-fp32", "edgekit-fp32", "plain-int8", "edgekit-int8", "unsigned-int8"):
        assert all(len(r["launches"][name]["turns_ns"]) == TURNS for r in results["rounds"])
        assert artifacts[name]["facts"]["cpu_seconds"] > 0.5
    page = (out / "bench.md").read_text()
    assert "| small | int8 |" in page
    assert "### int8 with unsigned activations" in page

    # A run that goes on counts the rounds there are; the pages can be written again from the results.
    assert bench.main([*part, "--resume", "--max-rounds", "5", "--target", "0"]) == 0
    assert "5 rounds of an earlier run count" in capsys.readouterr().err
    assert json.loads((out / "bench.json").read_text())["rounds"] == results["rounds"]
    (out / "bench.md").unlink()
    assert bench.main(["--out", str(out), "--render"]) == 0
    assert "| small | int8 |" in (out / "bench.md").read_text()
    assert sha256_file(ROOT / "README.md") == readme
