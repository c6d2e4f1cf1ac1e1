"""``edgekit pick`` as a program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.reports.store import load, save

BASE = load(Path(__file__).parents[2] / "data" / "report_v1.json")


@pytest.fixture
def stored(project: Path) -> Path:
    for model, add in (("mobilenet_v2_1.0", 0), ("mobilenet_v3_small_1.0", -10_000_000)):
        samples = tuple(ns + add for ns in BASE.samples_ns)
        save(project / "device_reports", BASE.model_copy(update={"model": model, "samples_ns": samples}))
    return project


def test_the_choice_and_its_doubts(edgekit, stored: Path):
    done = edgekit("pick", "--max-latency-ms", 10)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "take mobilenet_v3_small_1.0 tflite-int8, 1 thread: 7.05 ms" in done.stderr
    assert "what int8 costs was not evaluated" in done.stderr
    assert edgekit("pick", "--max-latency-ms", 1).returncode == 1
    assert edgekit("pick", "--device", "rpi9").returncode == 2


def test_json_with_advice(edgekit, stored: Path):
    found = json.loads(edgekit("pick", "--advice", "--json").stdout)
    assert found["choice"]["model"] == "mobilenet_v2_1.0"
    assert [one["missed"] for one in found["ranking"]] == [[], []]
    assert [line[:2] for line in found["advice"]] == ["G1", "G2", "G3", "G4"]


def test_it_runs_without_torch(stored: Path):
    program = (
        "import sys; from edgekit.cli import main; sys.argv = ['edgekit', 'pick']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "sys.exit(bool({'torch', 'onnx', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=stored, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
