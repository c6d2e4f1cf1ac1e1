from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edgekit.cli.devices import devices_app
from edgekit.errors import ToolError, UsageError

WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(tmp_path / "ssh_config"))
    return tmp_path


def devices(*arguments: str) -> Result:
    return CliRunner().invoke(devices_app, arguments, env=WIDE)


def test_add_list_remove() -> None:
    added = devices("add", "rpi4", "pi@10.0.0.4", "--board", "rpi4", "--tag", "lab", "--tag", "desk", "--port", "2222")
    assert added.exit_code == 0
    assert added.stderr == "added rpi4 to devices.toml; next: edgekit devices check rpi4\n"
    line = next(line for line in devices("list").stdout.splitlines() if line.startswith("rpi4"))
    assert line.split("  ")[0] == "rpi4"
    for part in ("ssh", "pi@10.0.0.4", "Raspberry Pi 4 Model B", "lab desk", "devices.toml"):
        assert part in line
    listed = {one["id"]: one for one in json.loads(devices("list", "--json").stdout)}
    assert listed["rpi4"]["port"] == 2222
    assert listed["local"]["source"] == "built in"
    assert devices("remove", "rpi4").stderr == "removed rpi4 from devices.toml\n"
    assert "rpi4" not in {one["id"] for one in json.loads(devices("list", "--json").stdout)}


def test_a_place_in_a_shared_rack() -> None:
    added = devices("add", "rpi4", "--labgrid", "shelf-1", "--coordinator", "lab:20408", "--wait", "10m")
    assert added.exit_code == 0
    listed = {one["id"]: one for one in json.loads(devices("list", "--json").stdout)}
    assert (listed["rpi4"]["labgrid"], listed["rpi4"]["coordinator"]) == ("shelf-1", "lab:20408")
    assert (listed["rpi4"]["wait_s"], listed["rpi4"]["address"]) == (600, None)
    line = next(line for line in devices("list").stdout.splitlines() if line.startswith("rpi4"))
    assert "(labgrid shelf-1)" in line
    wrong = devices("add", "nuc", "--labgrid", "shelf-2", "--wait", "soon")
    assert isinstance(wrong.exception, UsageError)
    assert str(wrong.exception) == "--wait takes a time from 0s, got 'soon'"


def test_a_failed_check_is_shown_then_raised(project: Path) -> None:
    (project / "ssh_config").write_text("Host board\n  HostName 127.0.0.1\n  Port 1\n")
    done = devices("check", "board")
    assert isinstance(done.exception, ToolError)
    assert "board cannot be measured on: reachable" in str(done.exception)
    assert "Connection refused" in done.stderr
    assert done.stdout == ""
    found = json.loads(devices("check", "board", "--json").stdout)
    assert [(check["name"], check["status"]) for check in found] == [("reachable", "failed")]


def test_the_check_of_this_machine() -> None:
    done = devices("check", "local")
    assert done.exit_code == 0
    assert "numpy" in done.stderr


def test_a_mistake_is_raised_for_the_error_boundary() -> None:
    for arguments in (("check", "nobody"), ("remove", "nobody"), ("prepare", "nobody"), ("add", "a/b", "x")):
        assert isinstance(devices(*arguments).exception, UsageError)


@pytest.mark.parametrize("module", ["numpy", "pydantic", "rich", "edgekit.verbs", "edgekit.devices"])
def test_it_loads_nothing_until_it_runs(module: str) -> None:
    program = f"import sys, edgekit.cli.devices; sys.exit({module!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_lets_the_device_go(number: int, code: int, ssh_board: Any, project: Path) -> None:
    (project / "devices.toml").write_text(f'[board]\naddress = "board"\npython = "{sys.executable}"\n')
    artifact = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "onnx-fp32"
    # A job in the background of a shell would ignore Ctrl-C.
    program = "import signal; signal.signal(2, signal.default_int_handler); from edgekit.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "profile", str(artifact), "--device", "board"],
        env={**os.environ, "EDGEKIT_SSH_CONFIG": str(ssh_board.config)},
        stderr=subprocess.DEVNULL,
    ) as child:
        deadline = time.monotonic() + 30
        while not list(ssh_board.cache.rglob("runs/*/*/request.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        child.send_signal(number)
    assert child.returncode == code
    assert ssh_board.runs == []
    assert not (project / "device_reports").exists()
