from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TINY = Path(__file__).parent.parent.parent / "data" / "artifacts" / "tiny" / "onnx-fp32" / "model.onnx"


def test_its_maker_is_not_told(agent_program: Path, tmp_path: Path) -> None:
    """From 1.32 on it writes what it ran to a file in the home folder, and uploads that."""
    home = tmp_path / "home"
    home.mkdir()
    request = {"command": "inspect", "runtime": "onnxruntime", "model": str(TINY), "threads": 1}
    (tmp_path / "request.json").write_text(json.dumps(request))
    # Of the environment nothing that would silence it by itself, such as what a CI service sets.
    done = subprocess.run(
        [sys.executable, str(agent_program), str(tmp_path / "request.json")],
        env={"PATH": os.environ["PATH"], "HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1])["ok"] is True, done.stderr
    assert list(home.rglob("*")) == []
