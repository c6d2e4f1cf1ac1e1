from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.base.progress import silent
from edgekit.bench.launch import run_agent
from edgekit.devices.adb import AdbMachine
from edgekit.devices.adb_client import Phone, find_adb
from edgekit.devices.ssh_errors import DeviceError
from edgekit.devices.virtual.phone import running
from edgekit.errors import ToolError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def phone(emulated_phone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    """One emulated phone for all tests here, its storage new."""
    with running("virtual-phone", silent, tmp_path_factory.mktemp("phone")) as started:
        yield started


def kind(run: Callable[[], Any]) -> str:
    with pytest.raises(DeviceError) as caught:
        run()
    return caught.value.kind


def test_files_programs_exit_codes(phone: Phone, tmp_path: Path) -> None:
    large = tmp_path / "a file; rm -rf $HOME.bin"  # nothing of a name reaches the shell unquoted
    large.write_bytes(os.urandom(100_000))
    small = tmp_path / "small's"
    small.write_text("small")
    with AdbMachine(phone, silent) as machine:
        there = machine.deliver([large, small])
        assert [path.rpartition("/")[2] for path in there] == [large.name, small.name]
        machine.fetch(there[0], tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == large.read_bytes()
        sent: list[Path] = []
        send = machine.send
        machine.send = lambda path, *rest: (sent.append(path), send(path, *rest))[1]  # type: ignore[assignment]
        _, beside = machine.deliver([large, small])
        assert sent == [], "what is there by content is not sent again, and a small file comes with the question"
        machine.fetch(beside, tmp_path / "small back")
        assert (tmp_path / "small back").read_bytes() == small.read_bytes()
        with pytest.raises(DeviceError, match=r"looking on virtual-phone failed with exit code 9\n    said on stderr"):
            machine.call("looking", "echo said on stderr >&2; exit 9")
        assert machine.call("looking", 'printf %s "$1"', "'; exit 3 #").decode() == "'; exit 3 #"
        run = machine.run
    with AdbMachine(phone, silent) as machine:
        assert kind(lambda: machine.call("looking", 'cat "$1"', run)) == "failed", "the run's folder is gone"


def test_two_runs_never_share_a_phone(phone: Phone) -> None:
    with AdbMachine(phone, silent), pytest.raises(DeviceError, match=r"virtual-phone is in use by .*, process \d+"):
        AdbMachine(phone, silent).__enter__()
    with AdbMachine(phone, silent):
        pass  # the lock goes with its holder


def test_the_lock_of_a_run_that_was_killed_is_free(phone: Phone) -> None:
    program = (
        "import sys, time; from edgekit.devices.adb import AdbMachine; from edgekit.devices.adb_client import Phone\n"
        f"with AdbMachine(Phone({phone.name!r}, {phone.serial!r}, {dict(phone.environment)!r}), print):\n"
        "    print('taken', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        child.kill()
    wait_until(lambda: not is_taken(phone), "the phone stays taken")


def is_taken(phone: Phone) -> bool:
    try:
        with AdbMachine(phone, silent):
            return False
    except DeviceError as error:
        if error.kind == "busy":
            return True
        raise


def test_what_ran_out_of_time_is_killed_there(phone: Phone, tmp_path: Path) -> None:
    program = tmp_path / "sleeper.py"
    program.write_text("import time; time.sleep(987)")
    with AdbMachine(phone, silent) as machine:
        (there,) = machine.deliver([program])
        child = subprocess.Popen(machine.command(there, "x"), stdin=subprocess.PIPE)
        look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
        wait_until(lambda: b"sleeper.py x" in machine.call("looking", look), "it does not start")
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        wait_until(lambda: b"sleeper.py x" not in machine.call("looking", look), "it outlives its client")


def test_the_daemon_restarts_in_the_middle(phone: Phone, tmp_path: Path, heard: Any) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(os.urandom(10_000))
    with AdbMachine(phone, heard) as machine:
        machine.deliver([file])
        first = machine.run
        threading.Timer(1.0, kill_daemon, [phone]).start()
        # What runs meanwhile is lost and says so; what comes next finds the phone again.
        assert kind(lambda: machine.call("measuring", "sleep 60")) == "lost"
        (there,) = machine.deliver([file])
        assert machine.run != first
        assert machine.call("looking", 'cat "$1"', there) == file.read_bytes()
    assert "the connection to virtual-phone was lost: connecting anew" in heard.lines


def kill_daemon(phone: Phone) -> None:
    script = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = adbd ] && kill -9 ${p#/proc/}; done'
    phone.ask("-s", phone.serial, "shell", script)


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def test_an_agent_that_is_killed_there(phone: Phone, tmp_path: Path) -> None:
    program = tmp_path / "agent.sh"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    with AdbMachine(phone, silent) as machine:
        (machine.python,) = machine.deliver([program])
        machine.call("allowing", 'chmod 755 "$1"', machine.python)
        with pytest.raises(DeviceError, match="asking: killed on virtual-phone by SIGKILL"):
            run_agent(machine, {"command": "info"}, {}, 60.0, "asking")


def test_a_full_disk(emulated_phone: None, small_disk: Path, tmp_path: Path) -> None:
    large = tmp_path / "model.bin"
    large.write_bytes(os.urandom(500_000))
    with running("virtual-phone-2", silent, small_disk) as other, AdbMachine(other, silent) as machine:
        with pytest.raises(DeviceError, match="the disk of virtual-phone-2 is full") as caught:
            machine.deliver([large])
        assert caught.value.kind == "disk-full"


def test_no_python_there(phone: Phone) -> None:
    with (
        AdbMachine(phone, silent, python="python9") as machine,
        pytest.raises(DeviceError, match="no python9") as caught,
    ):
        run_agent(machine, {"command": "info"}, {}, 60.0, "asking")
    assert caught.value.kind == "python"


def test_a_serial_that_is_not_there(phone: Phone) -> None:
    wrong = Phone("pixel", "28241FDH2001AB", phone.environment)
    with pytest.raises(DeviceError, match=rf"no 28241FDH2001AB, which is pixel; adb sees {phone.serial}") as caught:
        AdbMachine(wrong, silent).__enter__()
    assert "devices.toml" in caught.value.hint


def test_nobody_listens_there(phone: Phone) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gone = Phone("pixel", f"127.0.0.1:{port}", phone.environment)
    with pytest.raises(DeviceError, match="pixel cannot be reached at") as caught:
        AdbMachine(gone, silent).__enter__()
    assert caught.value.kind == "unreachable"


def test_no_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_ADB", "/nowhere/adb")
    with pytest.raises(ToolError, match="EDGEKIT_ADB names /nowhere/adb, which is not a program"):
        find_adb()
    monkeypatch.delenv("EDGEKIT_ADB")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="there is no program adb") as caught:
        find_adb()
    assert "apt-get install adb" in caught.value.hint
