from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgekit.bench.launch import ThisMachine, call_agent, run_agent
from edgekit.errors import ToolError, UsageError
from edgekit.types.answers import Event


class Script(ThisMachine):
    """This machine, where another program stands in the agent's place."""

    def __init__(self, code: str) -> None:
        self.code = code

    def command(self, program: str, argument: str) -> list[str]:
        return [sys.executable, "-c", self.code, program, argument]


def run_script(code: str, timeout_s: float = 30) -> dict[str, Any]:
    return run_agent(Script(code), {"command": "memory", "runtime": "litert"}, {}, timeout_s, "measuring")


def test_a_crash_names_the_signal_and_shows_the_last_words() -> None:
    code = "import os, sys; print('last words', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"
    with pytest.raises(ToolError, match=r"measuring crashed with SIGKILL\n    last words"):
        run_script(code)


def test_a_native_crash_is_told_from_a_kill() -> None:
    with pytest.raises(ToolError, match=r"crashed with SIGSEGV"):
        run_script("import faulthandler; faulthandler._sigsegv()")


def test_time_runs_out_and_nothing_is_left(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    begin = time.monotonic()
    with pytest.raises(ToolError, match=r"ran out of time after 1\.5 s and was stopped") as caught:
        run_script(code, timeout_s=1.5)
    assert caught.value.hint
    assert time.monotonic() - begin < 10
    grandchild = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while running(grandchild) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(grandchild)


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_script(f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert not running(int((tmp_path / "pid").read_text()))


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.parametrize(
    "line", ["hello", "[1, 2]", "{}", '{"ok": true}', '{"ok": true, "value": 3}', '{"ok": false, "message": "x"}']
)
def test_anything_but_the_protocol_is_refused(line: str) -> None:
    with pytest.raises(ToolError, match="which is not its protocol"):
        run_script(f"print({line!r})")


def test_an_answer_amid_garbage_is_not_believed() -> None:
    with pytest.raises(ToolError, match="not its protocol"):
        run_script("print('garbage'); print('{\"ok\": true, \"value\": {}}')")


def test_silence_is_an_error() -> None:
    with pytest.raises(ToolError, match="measuring ended with exit code 0"):
        run_script("pass")


ANSWER = '{"ok": true, "value": {"python": "x", "versions": {}}}'


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("while True: sys.stdout.buffer.write(b'a' * (1 << 20))", "the agent printed a line of more than 16 MB"),
        (
            "while True: sys.stdout.buffer.write(b'a\\n' * (1 << 18))",
            "the agent printed 'a', which is not its protocol",
        ),
        ('while True: print(\'{"event": "x"}\')', "the agent reported more than 1000 steps"),
        ("while True: sys.stderr.buffer.write(b'e' * (1 << 20))", "the agent printed more than 64 MB on stderr"),
        (f"print({ANSWER!r}, flush=True); os.kill(os.getpid(), 11)", "crashed with SIGSEGV after it had answered"),
        (f"print({ANSWER!r}); sys.exit(1)", "ended with exit code 1 after it had answered"),
        (f"print({ANSWER!r}, flush=True); time.sleep(60)", "ran out of time after 5 s and was stopped after it had"),
        ("print('\\x1b[2J', file=sys.stderr); sys.exit(2)", r"ended with exit code 2\n    \\x1b\[2J"),
    ],
)
def test_a_spoilt_agent_ends_soon_with_a_cause(code: str, why: str) -> None:
    begin, before = time.monotonic(), threading.active_count()
    with pytest.raises(ToolError, match=why) as caught:
        run_agent(Script(f"import os, sys, time\n{code}"), {"command": "install"}, {}, 5, "asking")
    assert caught.value.exit_code == 3
    assert time.monotonic() - begin < 15
    assert threading.active_count() == before


def test_a_child_that_stays_with_the_pipes_in_its_hands_is_not_waited_for(tmp_path: Path) -> None:
    """It leads a session of its own, so that the end of the agent's group does not end it."""
    stays = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(20)"
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {stays!r}], start_new_session=True)\n"
        f"print({ANSWER!r})"
    )
    begin = time.monotonic()
    try:
        assert run_agent(Script(code), {"command": "install"}, {}, 60, "x")["python"] == "x"
        assert time.monotonic() - begin < 15
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_progress_arrives_before_the_answer() -> None:
    events: list[Event] = []
    value = {"python": "/venv/bin/python", "versions": {}}
    code = f"print('{{\"event\": \"load\"}}'); print('{json.dumps({'ok': True, 'value': value})}')"
    assert run_agent(Script(code), {"command": "install"}, {}, 30, "x", events.append) == value
    assert [event.event for event in events] == ["load"]


def test_a_missing_runtime_says_what_to_install() -> None:
    class NoPackages(ThisMachine):
        def command(self, program: str, argument: str) -> list[str]:
            return [sys.executable, "-I", "-S", program, argument]

    with pytest.raises(ToolError, match="the runtime litert cannot be imported by") as caught:
        run_agent(NoPackages(), {"command": "bench", "runtime": "litert"}, {}, 30, "measuring")
    assert caught.value.hint.startswith("pip install ai-edge-litert")


def test_a_refusal_is_a_tool_error() -> None:
    with pytest.raises(ToolError, match="looking failed: unknown command 'look'"):
        call_agent({"command": "look"}, 30, "looking")


def test_cores_that_are_not_there_are_a_wrong_argument() -> None:
    with pytest.raises(UsageError, match="looking failed: there is no core 4096 here to be pinned to") as caught:
        call_agent({"command": "info", "threads": 1, "cores": [4096]}, 30, "looking")
    assert caught.value.exit_code == 2
    assert "--cores" in caught.value.hint


def test_files_are_delivered_and_named_in_the_request(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text("x")
    code = (
        "import json, sys; request = json.load(open(sys.argv[2]))\n"
        "print(json.dumps({'ok': True, 'value': {'python': request['model'], 'versions': {}}}))"
    )
    value = run_agent(
        Script(code), {"command": "install"}, {"model": [tmp_path / "model.xml", tmp_path / "model.bin"]}, 30, "x"
    )
    assert value["python"] == str(tmp_path / "model.xml")
