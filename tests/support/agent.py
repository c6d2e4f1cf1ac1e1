"""The agent, the artifacts of a tiny network, and what keeps the events of a long work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import Event
from edgekit.bench.agent_archive import AGENT_FILE, agent_archive
from edgekit.bench.launch import call_agent

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"

TINY_MODELS = {
    "onnxruntime": TINY / "onnx-fp32" / "model.onnx",
    "openvino": TINY / "openvino-fp32" / "model.xml",
    "litert": TINY / "tflite-fp32" / "model.tflite",
}


class Heard:
    """Takes the events of a long work and keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """As a person reads them."""
        return [str(event) for event in self.events]


@pytest.fixture
def heard() -> Heard:
    """Keeps what a long work tells."""
    return Heard()


@pytest.fixture
def tiny() -> Path:
    """Artifact folders of a network of a few operators, by profile."""
    return TINY


@pytest.fixture(params=sorted(TINY_MODELS))
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime in turn."""
    return str(request.param)


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """Carry out an agent command in a fresh process; the tiny fp32 model unless another is named."""

    def call(command: str, runtime: str = "", **more: Any) -> dict[str, Any]:
        if runtime:
            more = {"runtime": runtime, "model": str(TINY_MODELS[runtime]), **more}
        return call_agent({"command": command, **more}, 60, command)

    return call


@pytest.fixture(scope="session")
def agent_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as devices get it."""
    path = tmp_path_factory.mktemp("agent") / AGENT_FILE
    path.write_bytes(agent_archive())
    return path
