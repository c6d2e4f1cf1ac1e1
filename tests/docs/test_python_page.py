"""The examples of the Python page are one story, and it runs as it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import edgekit
from tools.reference.python import EXAMPLES

BRIEF = """
[default]
sentinel = 1e9
load = 1e9
waited = 1e9
uneven = 1e9
warmup_s = 0.01
min_s = 0.02
max_s = 0.3
"""
"""The gate's launches are short here, and a neighbour on the core drops none: what it decides is not tested."""


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_story_runs(tmp_path: Path) -> None:
    story = tmp_path / "story.py"
    story.write_text("\n".join(code for _, code in EXAMPLES))
    (tmp_path / "gate.toml").write_text(BRIEF)
    done = subprocess.run([sys.executable, story], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    made, shape, passed, measured, compared, gated = done.stdout.splitlines()
    assert made.split()[0] == "artifacts/mine/onnx-int8"
    assert shape == "(1, 4) onnxruntime"
    assert passed.startswith("True [")
    assert float(measured.split()[0]) > 0
    low, ratio, high = (float(compared.split()[place]) for place in (1, 0, 2))
    assert low <= ratio <= high
    assert gated.split()[0] in {"PASS", "FAIL", "INCONCLUSIVE", "INVALID"}


def test_every_public_function_has_an_example() -> None:
    code = "\n".join(code for _, code in EXAMPLES)
    functions = [name for name in edgekit.__all__ if name.islower() and not name.startswith("_")]
    assert [name for name in functions if f"edgekit.{name}(" not in code] == []
