"""Against a real sshd whose link is slow, breaks and comes back, or whose machine restarts."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import edgekit.devices.shell_machine as shell_machine
import edgekit.devices.ssh as under_test
from edgekit.bench.agent_archive import AGENT_FILE
from edgekit.bench.launch import run_agent
from edgekit.devices.ssh import SshMachine, Target
from edgekit.devices.ssh_errors import DeviceError

WORKS_FOR_LONG = """
import os, time
open({path!r}, "w").write(str(os.getpid()))
time.sleep(300)
"""


class Impatient(Target):
    """Notices a dead link after three seconds in place of thirty, so that a test need not wait."""

    def command(self, socket_path: Path, *options: str) -> list[str]:
        return super().command(socket_path, *options, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=3")


class Stubborn(SshMachine):
    """Runs a program of the test's in the agent's place, until it is told not to."""

    program: Path | None = None

    def put(self, files: Any) -> list[str]:
        return super().put([self.program if self.program and path.name == AGENT_FILE else path for path in files])


def machine_of(board: Any, heard: Any, kind: type[Target] = Impatient) -> Stubborn:
    target = kind(name="board", host="board", config=board.config, python=sys.executable, connect_s=5)
    return Stubborn(target, heard)


def asked(machine: SshMachine) -> bool:
    return bool(run_agent(machine, {"command": "info"}, {}, 60, "asking")["info"]["cores"])


def within(seconds: float, holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` in another thread during the block; its failure is the block's."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield
        future.result()


def running(pids: Path) -> bool:
    return pids.exists() and pids.read_text().isdigit()


def gone(pids: Path) -> bool:
    pid = pids.read_text()
    return within(5, lambda: not Path(f"/proc/{pid}").exists())


def kill_sessions(board: Any) -> None:
    for pid in board.sessions:
        os.kill(pid, signal.SIGKILL)


def test_the_link_is_cut_while_the_agent_runs_and_comes_back(far_board: Any, heard: Any, tmp_path: Path) -> None:
    """What ran is given up after the deadline; then our own lock, which nobody there lets go, is taken again."""
    pids, script = tmp_path / "pids", tmp_path / "agent.py"
    script.write_text(WORKS_FOR_LONG.format(path=str(pids)))
    with machine_of(far_board, heard) as machine:
        machine.program = script

        def cut() -> None:
            assert within(30, lambda: running(pids))
            far_board.in_its_network("ip", "link", "set", "lo", "down")

        begin = time.monotonic()
        with meanwhile(cut), pytest.raises(DeviceError, match="the connection to board was lost") as caught:
            run_agent(machine, {"command": "info"}, {}, 120, "measuring")
        assert caught.value.kind == "lost"
        assert time.monotonic() - begin < 25
        assert Path(f"/proc/{pids.read_text()}").exists(), "nobody has told the device"
        machine.program = None
        with meanwhile(lambda: (time.sleep(1), far_board.in_its_network("ip", "link", "set", "lo", "up"))):
            assert asked(machine)
        assert gone(pids)
        assert "the connection to board was lost: connecting anew" in heard.lines
        assert len(far_board.runs) == 1
    assert far_board.runs == []


def test_a_cut_that_is_over_soon_is_no_matter(far_board: Any, heard: Any) -> None:
    with machine_of(far_board, heard) as machine:
        far_board.in_its_network("ip", "link", "set", "lo", "down")
        with meanwhile(lambda: (time.sleep(1), far_board.in_its_network("ip", "link", "set", "lo", "up"))):
            assert asked(machine)
    assert heard.lines == []


def test_a_slow_link(far_board: Any, heard: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent comes through; a file that takes longer than its deadline is given up, and leaves nothing there."""
    far_board.in_its_network("ip", "link", "set", "lo", "mtu", "1500")
    shape = "qdisc add dev lo root tbf rate 400kbit burst 16k latency 2s"
    far_board.in_its_network(shutil.which("tc") or "tc", *shape.split())
    (tmp_path / "large.bin").write_bytes(os.urandom(3_000_000))
    with machine_of(far_board, heard, Target) as machine:
        assert asked(machine)
        monkeypatch.setattr(under_test, "CALL_S", -25.0)  # with what three megabytes get: five seconds
        begin = time.monotonic()
        with pytest.raises(DeviceError, match=r"sending large\.bin: board did not finish within") as caught:
            machine.put([tmp_path / "large.bin"])
        assert "very slow" in caught.value.hint
        assert time.monotonic() - begin < 15
        monkeypatch.setattr(under_test, "CALL_S", 60.0)
        far_board.in_its_network(shutil.which("tc") or "tc", "qdisc", "del", "dev", "lo", "root")
        files = far_board.cache / "edgekit" / "files"
        assert within(10, lambda: not list(files.glob("*.part")))
        assert asked(machine)


def test_sshd_dies_while_a_file_is_sent(ssh_board: Any, heard: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(40_000_000))
    files = ssh_board.cache / "edgekit" / "files"
    with machine_of(ssh_board, heard) as machine:

        def kill() -> None:
            assert within(30, lambda: list(files.glob("*.part")))
            kill_sessions(ssh_board)

        with meanwhile(kill):
            (there,) = machine.deliver([large])
        assert Path(there).read_bytes() == large.read_bytes()
        assert "the connection to board was lost: connecting anew" in heard.lines
        assert asked(machine)
    assert not list(files.glob("*.part"))


def test_sshd_dies_while_the_agent_runs(ssh_board: Any, heard: Any, tmp_path: Path) -> None:
    pids, script = tmp_path / "pids", tmp_path / "agent.py"
    script.write_text(WORKS_FOR_LONG.format(path=str(pids)))
    with machine_of(ssh_board, heard) as machine:
        machine.program = script
        with (
            meanwhile(lambda: (within(30, lambda: running(pids)), kill_sessions(ssh_board))),
            pytest.raises(DeviceError, match="the connection to board was lost"),
        ):
            run_agent(machine, {"command": "info"}, {}, 120, "measuring")
        assert gone(pids)
        machine.program = None
        assert asked(machine)


def test_a_device_that_restarts_is_waited_for(ssh_board: Any, heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_machine, "RETRY_S", 0.3)
    with machine_of(ssh_board, heard) as machine:
        kill_sessions(ssh_board)
        ssh_board.stop()
        shutil.rmtree(ssh_board.cache)
        back = threading.Timer(2.0, ssh_board.start)
        back.start()
        assert asked(machine)
        back.join()


def test_a_device_that_does_not_come_back_is_waited_for_once(
    ssh_board: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_machine, "RETURN_S", 2.0)
    monkeypatch.setattr(shell_machine, "RETRY_S", 0.3)
    with machine_of(ssh_board, heard) as machine:
        kill_sessions(ssh_board)
        ssh_board.stop()
        for least, most in ((1.5, 10.0), (0.0, 1.5)):
            begin = time.monotonic()
            with pytest.raises(DeviceError, match="board cannot be reached: Connection refused"):
                asked(machine)
            assert least <= time.monotonic() - begin < most
        ssh_board.start()
        assert asked(machine)


def test_another_run_is_not_taken_for_ours(ssh_board: Any, heard: Any) -> None:
    with machine_of(ssh_board, heard):
        with pytest.raises(DeviceError, match="board is in use by"), machine_of(ssh_board, heard):
            pass
        assert len(ssh_board.runs) == 1
