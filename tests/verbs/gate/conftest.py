"""A project with a pinned baseline, and a device that answers from a script."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.session import Limits
from edgekit.types import GateResult
from edgekit.verbs.gate import Planned, gate, plan, update

DATA = Path(__file__).parent.parent.parent / "data"
TINY = DATA / "artifacts" / "tiny"
SHORT = Limits(warmup_min_iterations=2, warmup_min_s=0.01, min_iterations=20, min_s=0.02, max_s=0.3)
KEY = "tiny__tflite-fp32__litert-cpu-t1"
CALM = "[default]\nsentinel = 1e9\nload = 1e9\nwaited = 1e9\nuneven = 1e9\n"
"""Guards that a busy test machine does not trip."""


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    """An empty project with a gate.toml, and a user folder of its own."""
    Path("gate.toml").write_text(CALM)
    return empty_project


@pytest.fixture
def artifact(project: Path) -> Path:
    """An artifact to be changed at will."""
    return Path(shutil.copytree(TINY / "tflite-fp32", project / "artifacts" / "tiny" / "tflite-fp32"))


@pytest.fixture(scope="session")
def pinned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports with the artifact pinned as the baseline of this machine."""
    root = tmp_path_factory.mktemp("pinned") / "device_reports"
    update([str(TINY / "tflite-fp32")], reports_root=root, limits=SHORT)
    return root


@pytest.fixture
def pinned(pinned_once: Path, artifact: Path) -> Path:
    """The folder of the pin, in this project, to be changed at will."""
    return Path(shutil.copytree(pinned_once, "device_reports")) / "local" / f"{KEY}.baseline"


def planned(artifact: Path, **more: Any) -> list[Planned]:
    return plan([str(artifact)], limits=SHORT, **more)


def run(artifact: Path, **more: Any) -> GateResult:
    (result,) = gate(planned(artifact), seed=1, **more)
    return result


# Baselines that lie elsewhere


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a web server on loopback and the folder it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/v1", folder / "v1"
        running.shutdown()
