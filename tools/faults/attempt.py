"""One run of a command of edgekit in a process of its own, forked from this one, which has imported what it needs."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from edgekit.base.processes.isolate import die_with_parent
from edgekit.bench.session import Limits

from .shim import Fault, Seen, Shim

PATIENCE_S = 300.0
"""More than the deadline of a launch."""
LINGERS_S, RETURN_S = 10.0, 5.0
PR_SET_CHILD_SUBREAPER = 36
BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.01, min_iterations=20, min_s=0.02, max_s=0.5)


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: exit code, or minus the signal; None when it had to be stopped.
        text: what it printed.
        orphans: processes that it left, in words.
        seen: what the shim saw of it.
    """

    code: int | None
    text: str
    orphans: tuple[str, ...]
    seen: Seen


def adopt_orphans() -> None:
    """From now on a descendant whose parent has died is a child of this process (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def attempt(
    command: tuple[str, ...], place: Path, shim: Shim, fault: Fault, limit: Callable[[], object] = lambda: None
) -> Ended:
    """Run ``edgekit COMMAND`` in ``place/work``, with its cache, temporary folder and home below ``place``, too.

    Args:
        command: without the program's name.
        place: below it operations count.
        shim: that this process was started with.
        fault: what goes wrong.
        limit: called in the new process first.
    """
    log = place.with_name("log.txt")
    known = children()
    with shim.watching(place, fault):
        code = wait(start(command, place, log, limit))
        orphans = left_behind(known)
    return Ended(code, log.read_text(errors="replace"), orphans, shim.seen)


def attempt_both(command: tuple[str, ...], place: Path, shim: Shim) -> tuple[Ended, Ended]:
    """Run a command twice at the same time in one place."""
    logs = [place.with_name(f"log{number}.txt") for number in (1, 2)]
    known = children()
    with shim.watching(place, Fault()):
        started = [start(command, place, log, lambda: None) for log in logs]
        codes = [wait(pid) for pid in started]
        orphans = left_behind(known)
    first, second = (
        Ended(code, log.read_text(errors="replace"), orphans, shim.seen) for code, log in zip(codes, logs, strict=True)
    )
    return first, second


def start(command: tuple[str, ...], place: Path, log: Path, limit: Callable[[], object]) -> int:
    """The process id of a run that has begun."""
    tool = os.getpid()
    pid = os.fork()
    if pid == 0:
        run(command, place, log, limit, tool)
    return pid


def run(command: tuple[str, ...], place: Path, log: Path, limit: Callable[[], object], tool: int) -> NoReturn:
    """The child: as the program ``edgekit`` would begin; it ends with the process ``tool``."""
    code = 70
    try:
        os.setsid()
        die_with_parent(tool)
        limit()
        opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(opened, number)
        for name, folder in (("EDGEKIT_CACHE", "cache"), ("TMPDIR", "tmp"), ("HOME", "home")):
            os.environ[name] = str(place / folder)
        tempfile.tempdir = None
        os.chdir(place / "work")
        sys.argv = ["edgekit", *command]
        from edgekit.program import main

        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:  # noqa: BLE001 - nothing of the tool may go on in the child
        sys.excepthook(*sys.exc_info())
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)


def wait(pid: int) -> int | None:
    """The exit code of a child; None when it did not end in time and was stopped."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def left_behind(known: Container[int] = ()) -> tuple[str, ...]:
    """Processes that are still there some seconds after the run that started them; they are ended then.

    Args:
        known: children that were there before.
    """
    end = time.monotonic() + LINGERS_S
    while alive := [pid for pid in children() if pid not in known]:
        if time.monotonic() > end:
            names = tuple(command_of(pid) for pid in alive)
            for pid in alive:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            return names
        time.sleep(0.01)
    return ()


def children() -> list[int]:
    """Children of this process; of those that have ended note is taken first."""
    found = []
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in map(int, task.read_text(encoding="ascii").split()):
            ended = False
            with suppress(ChildProcessError):
                ended = os.waitpid(pid, os.WNOHANG)[0] != 0
            if not ended:
                found.append(pid)
    return found


def command_of(pid: int) -> str:
    """The command line of a process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return f"process {pid}"


def look_briefly() -> None:
    """Import what the commands need, and let measurements take little time: what they say does not matter here.

    A device that has gone is waited for, but not for minutes.
    """
    import edgekit.cli
    import edgekit.devices.shell_machine
    import edgekit.verbs.gate
    import edgekit.verbs.profile
    import edgekit.verbs.stored.report

    for verb in (edgekit.verbs.gate, edgekit.verbs.profile):
        verb.Limits = lambda: replace(BRIEF)  # type: ignore[attr-defined]
    edgekit.devices.shell_machine.RETURN_S = RETURN_S


def fresh(template: Path, place: Path) -> None:
    """A copy of ``template`` at ``place``."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place, symlinks=True)
