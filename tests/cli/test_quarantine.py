"""A device that answers nonsense, from the check that finds it to the one that lets it go."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgekit.cli import app
from edgekit.cli.show.console import error_boundary

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An artifact, and a device whose Python does what the file ``behaviour`` says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(tmp_path / "ssh_config"))
    shutil.copytree(TINY / "onnx-fp32", tmp_path / "artifacts" / "tiny" / "onnx-fp32")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nif [ -e spoilt ]; then echo nonsense; exit 0; fi\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert edgekit("devices", "add", "bench", "local", "--python", str(python)).exit_code == 0
    return tmp_path


def edgekit(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"})


def ended(*arguments: str) -> tuple[int, str]:
    """The exit code, and what stands on stderr, as ``edgekit`` ends."""
    done = edgekit(*arguments)
    if done.exception is None or isinstance(done.exception, SystemExit):
        return done.exit_code, done.stderr
    with pytest.raises(SystemExit) as caught, error_boundary(False):
        raise done.exception
    return int(str(caught.value.code)), f"{done.stderr}{done.exception}\n{getattr(done.exception, 'hint', '')}"


def test_from_the_check_that_fails_to_the_one_that_passes(project: Path) -> None:
    (project / "spoilt").touch()
    code, said = ended("devices", "check", "bench")
    assert code == 3
    assert "bench cannot be measured on and is quarantined until a check passes: agent" in said
    assert "printed 'nonsense', which is not its protocol" in said
    (project / "spoilt").unlink()

    listed = {one["id"]: one["quarantine"] for one in json.loads(edgekit("devices", "list", "--json").stdout)}
    assert "agent: asking bench failed" in listed["bench"]
    assert listed["local"] is None
    assert "quarantined since" in edgekit("devices", "list").stdout

    artifact = "artifacts/tiny/onnx-fp32"
    for command in (
        ("profile", "--device", "bench"),
        ("compare", artifact, artifact, "--device", "bench"),
        ("tune", "mobilenet_v2", "--format", "onnx", "--device", "bench"),
        ("gate", artifact, "--baseline", artifact, "--device", "bench"),
        ("gate", artifact, "--update", "--device", "bench"),
    ):
        code, said = ended(*command)
        assert (code, "bench is quarantined since" in said) == (3, True), said
        assert "edgekit devices check bench" in said, said
    assert not (project / "device_reports" / "bench").exists() or not list((project / "device_reports").rglob("*.json"))

    code, said = ended("profile", "--device", "bench", "--force")
    assert code == 0, said
    assert "measuring nevertheless, as --force says" in said
    assert list((project / "device_reports" / "bench").glob("*.json"))

    code, said = ended("devices", "check", "bench")
    assert code == 0, said
    assert "bench is no longer quarantined; it was since" in said
    assert ended("compare", artifact, artifact, "--device", "bench", "--pairs", "5")[0] in (0, 4)


def test_one_that_is_not_there_is_not_sick(project: Path) -> None:
    (project / "ssh_config").write_text("Host away\n  HostName 127.0.0.1\n  Port 1\n")
    code, said = ended("devices", "check", "away")
    assert code == 3
    assert "away cannot be measured on: reachable" in said
    assert "quarantine" not in said
