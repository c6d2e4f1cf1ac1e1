"""The program ends as a shell expects, whenever a signal comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STOPPED = "stopped; nothing half-written was left\n"
# Stands for the slowest import of a start.
SLOW = "import time; print('ready', flush=True); time.sleep(60)"
CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def started(folder: Path, program: str, before: str = "") -> subprocess.Popen[str]:
    """The program, its import of typer replaced by one that never ends; returns when that has begun."""
    (folder / "typer.py").write_text(SLOW)
    child = subprocess.Popen(
        [sys.executable, "-c", f"import signal; {before}; {program}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n", child.communicate()
    return child


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_while_it_starts(tmp_path: Path, number: signal.Signals, code: int) -> None:
    # A shell that starts the suite in the background ignores SIGINT, and nohup SIGHUP; their children would, too.
    heeded = "signal.signal(2, signal.default_int_handler); signal.signal(1, signal.SIG_DFL)"
    child = started(tmp_path, "from edgekit.program import main; main()", heeded)
    child.send_signal(number)
    assert child.communicate(timeout=20) == ("", STOPPED)
    assert child.returncode == code


def test_what_is_to_be_ignored_is_ignored(tmp_path: Path) -> None:
    """As with ``nohup``."""
    child = started(tmp_path, "from edgekit.program import main; main()", "signal.signal(1, signal.SIG_IGN)")
    child.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.5)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode == 143


CLEARING = """
import os, signal, time
from edgekit.base.processes.signals import unwind
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which a suite under nohup ignores
unwind()
try:
    os.kill(os.getpid(), signal.{first})
    time.sleep(60)
finally:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(0.1)
    print("cleared away", flush=True)
"""


@pytest.mark.parametrize(("first", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_second_signal_does_not_disturb_the_clearing_away(first: str, code: int) -> None:
    program = CLEARING.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, "cleared away\n", "")


def test_a_signal_after_the_work_prints_nothing() -> None:
    steps = "unwind(); at_the_end(); os.kill(os.getpid(), 2)"
    program = f"import os, signal; from edgekit.base.processes.signals import *; {steps}"
    program = "import signal; signal.signal(2, signal.default_int_handler); " + program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_signals_are_heeded_before_anything_else_is_imported() -> None:
    look = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import edgekit.program\n"
        "print(' '.join(sorted(set(sys.modules) - before)))"
    )
    root = str(Path(__file__).parent.parent)
    # Without site, which imports what it likes before us.
    done = subprocess.run([sys.executable, "-S", "-c", look, root], capture_output=True, text=True, check=True)
    seen = set(done.stdout.split())
    assert "edgekit.base.processes.first" in seen
    # signal, and what it imports, would take most of the time.
    assert not {"signal", "enum", "typing", "pathlib", "re", "edgekit.errors"} & seen
