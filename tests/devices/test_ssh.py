"""Against a real sshd on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.agent_archive import AGENT_FILE
from edgekit.bench.launch import run_agent
from edgekit.devices.ssh import SshMachine, Target, socket_folder
from edgekit.devices.ssh_errors import DeviceError
from edgekit.errors import ToolError

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"


class Watched(SshMachine):
    """Remembers what was really sent, and can put another program in the agent's place."""

    def __init__(self, target: Target, program: Path | None = None) -> None:
        super().__init__(target)
        self.program, self.sent, self.calls = program, list[str](), 0

    def deliver(self, files: Sequence[Path]) -> list[str]:
        return super().deliver([self.program if self.program and path.name == AGENT_FILE else path for path in files])

    def call(self, what: str, script: str, *arguments: str, **more: Any) -> bytes:
        self.calls += 1
        if more.get("data") is not None:
            self.sent.append(Path(more["data"].name).name)
        return super().call(what, script, *arguments, **more)


def target(board: Any, **more: Any) -> Target:
    return Target(name="board", host="board", config=board.config, **{"python": sys.executable, **more})


def refused(board: Any, **more: Any) -> DeviceError:
    with pytest.raises(DeviceError) as caught, SshMachine(target(board, **more)):
        pass
    return caught.value


def gone(pid: int) -> bool:
    """True when the process ends within five seconds."""
    return within(
        5, lambda: not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    )


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# It works


def test_the_agent_answers_and_its_folder_goes(ssh_board: Any) -> None:
    with Watched(target(ssh_board)) as machine:
        told = run_agent(machine, {"command": "info"}, {}, 60, "asking")
        assert told["info"]["python"].split(".")[0] == "3"
        assert told["free"]["disk_bytes"] > 0
        assert len(ssh_board.runs) == 1
    assert machine.sent == ["request.json", AGENT_FILE]
    assert machine.calls == 2
    assert ssh_board.runs == []


def test_one_content_under_two_names_is_sent_once_and_is_there_twice(ssh_board: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first.npy", "second.npy", "other.npy")]
    for path in files:
        path.write_bytes((b"other" if path.stem == "other" else b"the same") * 2000)
    for times in (1, 0):
        with Watched(target(ssh_board)) as machine:
            there = machine.deliver(files)
            assert [Path(path).read_bytes() for path in there] == [path.read_bytes() for path in files]
            assert machine.sent == ["first.npy", "other.npy"] * times


def test_a_launch_whose_files_are_there_takes_one_call_before_it(ssh_board: Any, agent_program: Path) -> None:
    """A call over SSH is a tenth of a second on a board, more over a radio link."""
    request = agent_program.with_name("request.json")
    request.write_text("{}")
    for calls in (2, 1):
        with Watched(target(ssh_board)) as machine:
            paths = machine.deliver([agent_program, request])
            assert (machine.calls, Path(paths[1]).read_text()) == (calls, "{}")


def test_nothing_is_sent_twice(ssh_board: Any) -> None:
    model = [TINY / "openvino-fp32" / name for name in ("model.xml", "model.bin")]
    for expected in (["model.xml"], []):
        with Watched(target(ssh_board)) as machine:
            xml, weights = machine.deliver(model)
            machine.fetch(xml, ssh_board.folder / "back")
            assert Path(xml).parent == Path(weights).parent
            assert (ssh_board.folder / "back").read_bytes() == model[0].read_bytes()
            assert Path(weights).read_bytes() == model[1].read_bytes()
        assert [name for name in machine.sent if name == "model.xml"] == expected


def test_a_file_cut_short_there_is_sent_again(ssh_board: Any, agent_program: Path) -> None:
    for _ in range(2):
        with Watched(target(ssh_board)) as machine:
            assert machine.deliver([agent_program])
            assert machine.sent == [AGENT_FILE]
        (kept,) = (ssh_board.cache / "edgekit" / "files").iterdir()
        kept.write_bytes(b"")


def test_the_same_file_may_be_sent_twice_at_once(ssh_board: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(3_000_000))
    with SshMachine(target(ssh_board)) as machine, ThreadPoolExecutor(4) as pool:
        for (there,) in pool.map(lambda _: machine.deliver([large]), range(4)):
            assert Path(there).read_bytes() == large.read_bytes()
    assert len(list((ssh_board.cache / "edgekit" / "files").iterdir())) == 1


def test_names_reach_the_shell_as_names(ssh_board: Any, tmp_path: Path) -> None:
    odd = tmp_path / "a b'c\"d $(touch oops) ;#.bin"
    odd.write_bytes(b"x" * 5000)
    with SshMachine(target(ssh_board)) as machine:
        (there,) = machine.deliver([odd])
        assert Path(there).read_bytes() == odd.read_bytes()
        assert not list(ssh_board.cache.rglob("oops"))


def test_an_artifact_runs_and_its_outputs_come_back(ssh_board: Any, tmp_path: Path) -> None:
    import numpy as np

    inputs, outputs = tmp_path / "in.npy", tmp_path / "out.npy"
    np.save(inputs, np.zeros((2, 8, 8, 3), np.float32))
    with SshMachine(target(ssh_board)) as machine:
        there = machine.place(outputs)
        request = {"command": "run", "runtime": "litert", "outputs": there}
        files = {"model": [TINY / "tflite-fp32" / "model.tflite"], "inputs": [inputs]}
        run_agent(machine, request, files, 60, "running")
        machine.fetch(there, outputs)
    assert np.load(outputs).shape == (2, 5)


# Nobody there, or not for us


def test_a_port_where_nobody_listens(ssh_board: Any) -> None:
    ssh_board.configure(Port="1")
    error = refused(ssh_board)
    assert error.kind == "unreachable"
    assert "Connection refused" in str(error)
    assert f"ssh -F {ssh_board.config} board" in error.hint


def test_a_name_that_nobody_knows(ssh_board: Any) -> None:
    ssh_board.configure(HostName="nowhere.invalid")
    error = refused(ssh_board)
    assert error.kind == "unreachable"
    assert "Could not resolve hostname" in str(error)


def test_a_machine_that_says_nothing(ssh_board: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        ssh_board.configure(Port=str(silent.getsockname()[1]))
        assert refused(ssh_board, connect_s=1).kind == "unreachable"


def test_another_host_key_than_the_known_one(ssh_board: Any) -> None:
    known = ssh_board.folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{ssh_board.port} {ssh_board.make_key('other')}")
    error = refused(ssh_board)
    assert error.kind == "host-key"
    assert "another host key than the known one" in str(error)
    assert "ssh-keygen -R" in error.hint


def test_a_host_key_that_is_not_known(ssh_board: Any) -> None:
    (ssh_board.folder / "known_hosts").write_text("")
    error = refused(ssh_board)
    assert error.kind == "host-key"
    assert "not known yet" in str(error)
    assert (ssh_board.folder / "known_hosts").read_text() == ""


def test_a_key_that_is_refused(ssh_board: Any) -> None:
    ssh_board.make_key("stranger")
    ssh_board.configure(IdentityFile=str(ssh_board.folder / "stranger"))
    error = refused(ssh_board)
    assert error.kind == "auth"
    assert "ssh-copy-id" in error.hint


# There, but not as it should be


def test_no_python(ssh_board: Any) -> None:
    with SshMachine(target(ssh_board, python="/nowhere/python3")) as machine, pytest.raises(DeviceError) as caught:
        run_agent(machine, {"command": "info"}, {}, 60, "asking")
    assert caught.value.kind == "python"
    assert "there is no /nowhere/python3 on board" in str(caught.value)
    assert "devices.toml" in caught.value.hint


def test_no_runtime(ssh_board: Any, agent_program: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    bare = target(ssh_board, python=str(tmp_path / "bare" / "bin" / "python"))
    with SshMachine(bare) as machine, pytest.raises(ToolError, match="litert cannot be imported") as caught:
        run_agent(machine, {"command": "memory", "runtime": "litert"}, {"model": [agent_program]}, 60, "measuring")
    assert caught.value.hint.startswith("pip install ai-edge-litert")
    assert "on board" in caught.value.hint


def test_a_full_disk(small_disk: Path, ssh_board: Any, tmp_path: Path) -> None:
    ssh_board.cache.symlink_to(small_disk)
    (tmp_path / "large.bin").write_bytes(os.urandom(400_000))
    with SshMachine(target(ssh_board)) as machine:
        with pytest.raises(DeviceError, match=r"sending large\.bin: the disk of board is full") as caught:
            machine.deliver([tmp_path / "large.bin"])
        assert caught.value.kind == "disk-full"
        assert list((small_disk / "edgekit" / "files").iterdir()) == []


def test_a_disk_that_cannot_be_written(read_only: Path, ssh_board: Any) -> None:
    ssh_board.cache.symlink_to(read_only)
    error = refused(ssh_board)
    assert error.kind == "write"
    assert "Read-only file system" in str(error)


def test_two_runs_never_share_a_device(ssh_board: Any) -> None:
    with SshMachine(target(ssh_board)):
        error = refused(ssh_board)
        assert error.kind == "busy"
        assert f"process {os.getpid()}" in str(error)
        assert len(ssh_board.runs) == 1
    with SshMachine(target(ssh_board)):
        pass


# The agent goes wrong


def run_script(board: Any, tmp_path: Path, code: str, timeout_s: float = 60) -> Any:
    script = tmp_path / "agent.py"
    script.write_text(code)
    with Watched(target(board), script) as machine:
        return run_agent(machine, {"command": "info"}, {}, timeout_s, "measuring")


def test_a_killed_agent(ssh_board: Any, tmp_path: Path) -> None:
    code = "import os, sys; print('last words', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"
    with pytest.raises(DeviceError, match=r"killed on board by SIGKILL; out of memory\?\n    last words") as caught:
        run_script(ssh_board, tmp_path, code)
    assert caught.value.kind == "killed"


def test_an_exit_code(ssh_board: Any, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="measuring ended with exit code 9"):
        run_script(ssh_board, tmp_path, "raise SystemExit(9)")


def test_garbage(ssh_board: Any, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="printed 'hello', which is not its protocol") as caught:
        run_script(ssh_board, tmp_path, "print('hello')")
    assert "do not trust the device" in caught.value.hint


LINGERING = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open({path!r}, "w").write("%d %d" % (os.getpid(), child.pid))
time.sleep(300)
"""


def test_time_runs_out_and_nothing_is_left_there(ssh_board: Any, tmp_path: Path) -> None:
    code = LINGERING.format(path=str(tmp_path / "pids"))
    with pytest.raises(ToolError, match="ran out of time after 3 s"):
        run_script(ssh_board, tmp_path, code, timeout_s=3)
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 2
    assert all(gone(int(pid)) for pid in pids)


def test_a_lost_connection_ends_the_agent(ssh_board: Any, tmp_path: Path) -> None:
    script, pids = tmp_path / "agent.py", tmp_path / "pids"
    script.write_text(LINGERING.format(path=str(pids)))
    with Watched(target(ssh_board), script) as machine:

        def cut() -> None:
            within(30, lambda: pids.exists() and len(pids.read_text().split()) == 2)
            machine.master.kill()

        cutter = threading.Thread(target=cut)
        cutter.start()
        with pytest.raises(DeviceError, match="the connection to board was lost") as caught:
            run_agent(machine, {"command": "info"}, {}, 60, "measuring")
        cutter.join()
    assert caught.value.kind == "lost"
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_when_we_are_killed_the_device_is_free_again(ssh_board: Any) -> None:
    code = (
        "import sys, time; from pathlib import Path; from edgekit.devices.ssh import SshMachine, Target\n"
        "with SshMachine(Target(name='board', host='board', config=Path(sys.argv[1]))):\n"
        "    print('in', flush=True); time.sleep(300)"
    )
    command = [sys.executable, "-c", code, str(ssh_board.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "in\n"
        assert len(ssh_board.runs) == 1
        child.send_signal(signal.SIGKILL)
    assert within(10, lambda: ssh_board.runs == [])
    with SshMachine(target(ssh_board)):
        pass


def test_a_long_temporary_folder_leaves_room_for_the_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    assert socket_folder() == "/tmp"
