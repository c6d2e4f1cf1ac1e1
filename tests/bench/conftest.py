from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.launch import ThisMachine, call_agent

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
STAND_IN = Path(__file__).parent.parent / "data" / "device" / "stand_in.py"
MODELS = {
    "onnxruntime": TINY / "onnx-fp32" / "model.onnx",
    "openvino": TINY / "openvino-fp32" / "model.xml",
    "litert": TINY / "tflite-fp32" / "model.tflite",
}


@pytest.fixture
def tiny() -> Path:
    """Artifact folders of a network of a few operators, by profile."""
    return TINY


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """Carry out an agent command in a fresh process; the tiny fp32 model unless another is named."""

    def call(command: str, runtime: str = "", **more: Any) -> dict[str, Any]:
        if runtime:
            more = {"runtime": runtime, "model": str(MODELS[runtime]), **more}
        return call_agent({"command": command, **more}, 60, command)

    return call


@pytest.fixture(params=sorted(MODELS))
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., Any]:
    """A device that answers from a script, see ``tests/data/device/stand_in.py``: ``stand_in(bench=[{...}], ...)``."""

    def build(**script: Any) -> ThisMachine:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))

        class StandIn(ThisMachine):
            def command(self, program: str, argument: str) -> list[str]:
                return [sys.executable, "-S", str(STAND_IN), str(path), program, argument]

        return StandIn()

    return build
