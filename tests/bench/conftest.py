from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.launch import call_agent

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
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
