"""How ``make`` sets an environment up: the Python it takes, and PyTorch's build for the CPU."""

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler

import pytest

ROOT = Path(__file__).parent.parent
NEWEST, CPU_TORCH = ROOT / ".ci" / "newest-python", ROOT / ".ci" / "cpu_torch.py"


def pretend(folder: Path, name: str, version: str) -> None:
    """A Python of some version; with none, a version manager's shim that stands for nothing."""
    text = "exit 127" if not version else f'exec {sys.executable} -c "import sys; sys.version_info = {version}; $2"'
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3.13": "(3, 13, 0)", "python3.11": "(3, 11, 2)"}, "python3.13"),
        ({"python3.13": "", "python3.12": "(3, 12, 1)"}, "python3.12"),
        ({"python3": "(3, 12, 1)"}, "python3"),
        ({"python3": "(3, 14, 0)"}, ""),
        ({}, ""),
    ],
)
def test_the_newest_python_that_works_is_taken(there: dict[str, str], taken: str, tmp_path: Path) -> None:
    for name, version in there.items():
        pretend(tmp_path, name, version)
    found = subprocess.run(
        ["/bin/bash", NEWEST], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert found.stdout.strip() == taken


def test_without_a_python_make_says_which_it_needs(tmp_path: Path) -> None:
    command = ["make", "-C", ROOT, "PYTHON=", f"VENV={tmp_path / 'venv'}", str(tmp_path / "venv" / "bin" / "python")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "edgekit needs Python 3.11, 3.12 or 3.13" in done.stdout


# PyTorch's build for the CPU


def wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A wheel with nothing but its name in it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's Python."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def serve() -> Iterator[object]:
    """A function that serves requests on loopback by a handler; the URL."""
    servers = []

    def start(handler: object) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Silent(BaseRequestHandler):
    """Takes a connection and says nothing until its peer has gone."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.recv(65536)


def set_up(python: Path, tmp_path: Path, index: str) -> str:
    """What the script prints; pip itself finds the wheels in ``found`` alone."""
    wheel(tmp_path / "found", "torch", "9.1", "nvidia-none")
    wheel(tmp_path / "found", "nvidia_none", "1.0")
    (tmp_path / "constraints.txt").write_text("numpy==1\ntorch==9.1\ntorchvision==9.2\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHONPATH"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path / "found"), "TORCH_INDEX": index}
    if not index.startswith("http://127.0.0.1") or "found" in index:
        environment["PIP_NO_INDEX"] = "1"
    command = [python, CPU_TORCH, tmp_path / "constraints.txt", "torch"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def version(python: Path) -> str:
    """The version of torch that is installed there, or nothing."""
    ask = "from importlib.metadata import distributions\nprint(*[d.version for d in distributions(name='torch')])"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_where_the_index_is_silent_pip_is_left_to_it_and_the_size_is_said(python, serve, tmp_path) -> None:
    said = set_up(python, tmp_path, serve(Silent).replace("127.0.0.1", "localhost"))
    assert "does not answer" in said
    assert "for torch==9.1 pip takes 2 packages, 0 MB, 1 of them for CUDA" in said
    assert version(python) == ""


@pytest.mark.slow
def test_without_an_index_none_is_asked(python, tmp_path) -> None:
    assert set_up(python, tmp_path, "").startswith("for torch==9.1 pip takes 2 packages")


@pytest.mark.slow
def test_where_the_index_answers_the_cpu_build_is_installed_once(python, serve, tmp_path) -> None:
    wheel(tmp_path / "index" / "torch", "torch", "9.1+cpu")
    index = serve(partial(Quiet, directory=tmp_path / "index"))
    assert set_up(python, tmp_path, index) == f"installing torch==9.1 for the CPU from {index}\n"
    assert version(python) == "9.1+cpu"
    assert set_up(python, tmp_path, index) == ""
