from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": "benhc"}, "unknown command 'benhc'; known: info"),
        ({"command": "bench", "runtime": "tvm"}, "unknown runtime 'tvm'; known: litert, onnxruntime, openvino"),
        ({"command": "bench", "runtime": "litert", "accelerator": "dsp"}, "measured on the accelerator 'dsp'"),
        ({"command": "bench", "runtime": "litert", "threads": 0}, "threads must be a whole number from 1, got 0"),
        ({"command": "bench", "runtime": "litert", "model": "/nowhere"}, "no model file at '/nowhere'"),
        ([], "a request is a JSON object, got list"),
    ],
)
def test_a_bad_request_is_refused_in_words(agent_program: Path, tmp_path: Path, request_: Any, message: str) -> None:
    (tmp_path / "request.json").write_text(json.dumps(request_))
    command = [sys.executable, str(agent_program), str(tmp_path / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"] is False
    assert answer["kind"] == "request"
    assert message in answer["message"]
    assert "Traceback" not in done.stderr


def test_the_protocol_survives_libraries_that_print(agent_program: Path, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"command": "noise"}')
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from edgekit_agent.main import COMMANDS, main\n"
        "COMMANDS['noise'] = lambda request: (os.write(1, b'native noise'), print('more'), {})[2]\n"
        "sys.exit(main(sys.argv[2:]))"
    )
    command = [sys.executable, "-c", program, str(agent_program), str(tmp_path / "request.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == '{"ok": true, "value": {}}\n'
    assert "native noise" in done.stderr


@pytest.mark.parametrize("command", ["info", "unknown"])
def test_whoever_asked_has_gone(agent_program: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "request.json").write_text(json.dumps({"command": command}))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, str(agent_program), str(tmp_path / "request.json")],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "nobody reads the agent's output: Broken pipe\n")
