"""Nothing that a child started survives it, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from edgekit.errors import ToolError
from tests.base.processes.conftest import gone


def wait_for(path: Path) -> list[int]:
    """The process ids in a file, once it is there."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, "the child wrote no ids"
        time.sleep(0.02)
    return [int(word) for word in path.read_text().split()]


# Nothing survives


def test_timeout_ends_grandchildren_too(call, tmp_path):
    start = time.monotonic()
    with pytest.raises(ToolError, match=r"making x ran out of time after 3 s and was stopped") as caught:
        call("family", {"pids": str(tmp_path / "pids"), "then": "sleep"}, timeout_s=3)
    assert caught.value.hint == "try again when the machine has less to do"
    assert time.monotonic() - start < 15
    assert gone(wait_for(tmp_path / "pids"))


@pytest.mark.parametrize("then", ["abort", "return"])
def test_grandchildren_end_with_the_child(call, tmp_path, then):
    with pytest.raises(ToolError, match="SIGABRT") if then == "abort" else nullcontext():
        call("family", {"pids": str(tmp_path / "pids"), "then": then})
    assert gone(wait_for(tmp_path / "pids"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_the_whole_family(imports, tmp_path, how):
    program = """
import signal, sys
from edgekit.base.processes.isolate import run_named
from edgekit.base.processes.warm import warm
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
request = {"pids": sys.argv[1], "then": "sleep"}
with warm():
    run_named("child_functions:family", request, 100, "x", imports=sys.argv[2:])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "pids"), *imports]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    pids = wait_for(tmp_path / "pids")
    parent.send_signal(how)
    _, said = parent.communicate(timeout=20)
    assert parent.returncode == (143 if how is signal.SIGTERM else -signal.SIGINT), said
    assert gone(pids)


def test_kill_of_the_parent_ends_the_child(imports, tmp_path):
    program = """
import sys
from edgekit.base.processes.isolate import run_named
from edgekit.base.processes.warm import warm
request = {"pids": sys.argv[1], "then": "sleep"}
with warm():
    run_named("child_functions:family", request, 100, "x", imports=sys.argv[2:])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "pids"), *imports]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    child, grandchild = wait_for(tmp_path / "pids")
    parent.kill()
    parent.wait()
    try:
        assert gone([child])
    finally:
        subprocess.run(["kill", "-9", str(child), str(grandchild)], check=False, capture_output=True)
