from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit import agent
from edgekit.bench.agent_archive import PACKAGE, agent_archive


def fresh(program: str, *options: str) -> bytes:
    """What a new process prints."""
    return subprocess.run([sys.executable, *options, "-c", program], stdout=subprocess.PIPE, check=True).stdout


def test_it_has_the_same_bytes_whatever_the_process_did_before() -> None:
    program = "import sys; from edgekit.bench.agent_archive import agent_archive as a; sys.stdout.buffer.write(a())"
    busy = (
        "import numpy, asyncio, edgekit.agent.main\nkept = [str(n) for n in range(10**5)] + ['samples_ns', 'runtime']\n"
    )
    assert fresh(program) == fresh(busy + program) == agent_archive()


def test_it_holds_every_module_beside_its_byte_code() -> None:
    names = zipfile.ZipFile(io.BytesIO(agent_archive())).namelist()
    root = Path(agent.__file__).parent
    modules = {f"{PACKAGE}/{path.relative_to(root).as_posix()}" for path in root.rglob("*.py")}
    sources = (modules - {f"{PACKAGE}/__main__.py"}) | {"__main__.py"}
    assert set(names) == sources | {f"{name}c" for name in sources}
    assert len(names) == len(set(names))


def test_nothing_in_it_tells_where_it_was_made() -> None:
    assert str(Path(agent.__file__).parent).encode() not in agent_archive()


def rewritten(program: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The archive with its files changed."""
    other = program.with_name(f"other-{program.name}")
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return other


def run(program: Path, python: str = sys.executable) -> int:
    """The exit code of the agent, asked for its state."""
    request = program.with_name("request.json")
    done = subprocess.run([python, str(program), str(request)], capture_output=True, text=True, check=False)
    assert done.returncode or json.loads(done.stdout)["value"]["unix_time"] > 0
    return done.returncode


@pytest.fixture
def asking(agent_program: Path, tmp_path: Path) -> Path:
    """The agent in a folder with a request to it, ``request.json``."""
    (tmp_path / "request.json").write_text('{"command": "state"}')
    return Path(shutil.copy(agent_program, tmp_path))


def test_this_python_takes_the_byte_code(asking: Path) -> None:
    sourceless = rewritten(asking, lambda name, data: b"raise SystemExit(3)" if name.endswith(".py") else data)
    assert run(sourceless) == 0


def test_another_python_takes_the_sources(asking: Path) -> None:
    other = rewritten(asking, lambda name, data: b"\0\0\r\n" + data[4:] if name.endswith(".pyc") else data)
    assert run(other) == 0
    sourceless = rewritten(other, lambda name, data: b"raise SystemExit(3)" if name.endswith(".py") else data)
    assert run(sourceless) == 3


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9", "3.10", "3.12", "3.13"])
def test_it_runs_by_the_other_pythons_that_are_here(asking: Path, version: str) -> None:
    program = shutil.which(f"python{version}")
    if program is None or subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"this machine has no python{version}")
    assert run(asking, program) == 0
