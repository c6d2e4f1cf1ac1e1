"""``edgekit compare`` as a program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.reports.store import load, save

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def stored(project: Path) -> Path:
    m = load(DATA / "report_v1.json")
    slow = {"profile": "slow", "samples_ns": tuple(ns + 1_000_000 for ns in m.samples_ns)}
    for changes in ({}, slow, {"profile": "short", "samples_ns": m.samples_ns[:1]}, {"threads": 2}):
        save(project / "device_reports", m.model_copy(update=changes))
    return project


def test_exit_codes_tell_the_outcomes_apart(edgekit, stored: Path):
    done = edgekit("compare", "tflite-int8__litert-cpu-t1", "slow")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("B is slower: +5.9% (95% interval +5.8% to ")
    assert edgekit("compare", "slow", "short").returncode == 4
    done = edgekit("compare", "slow", "t2")
    assert done.returncode == 5
    assert "not comparable: threads: 1 against 2" in done.stderr
    assert edgekit("compare", "slow", "nothing").returncode == 2
    assert edgekit("compare", "slow", "slow", "--json", "--markdown").returncode == 2


def test_json_and_markdown_go_to_stdout(edgekit, stored: Path):
    found = json.loads(edgekit("compare", "tflite-int8__litert-cpu-t1", "slow", "--json").stdout)
    assert found["result"] == "slower"
    assert found["ratio"]["low"] < found["ratio"]["ratio"] < found["ratio"]["high"]
    assert "lower bound" in found["doubts"][0] or "at least this" in found["doubts"][0]
    page = edgekit("compare", "tflite-int8__litert-cpu-t1", "slow", "--markdown").stdout
    assert page.startswith("### B is slower: +5.9%")


def test_it_runs_without_torch(stored: Path):
    program = (
        "import sys; from edgekit.cli import main; sys.argv = ['edgekit', 'compare', 'slow', 'slow']; main()\n"
        "sys.exit(bool({'torch', 'onnx', 'onnxruntime', 'openvino', 'jinja2', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=stored, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
