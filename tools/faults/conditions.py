"""A machine that has too little of something, or where two run at the same time: what a command makes of it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .attempt import Ended, attempt, attempt_both, fresh
from .loop import ALLOWED, Outcome, Stage, afterwards, at_once
from .shim import Fault

PAGE = 4096
FREE_PAGES = (0, 1, 2, 4, 8, 16, 32)
FILES = (6, 8, 10, 12, 16, 20, 24, 32)
MEMORY_MB = (150, 250, 350, 500, 700, 1000, 1500, 2500)
FILE_BYTES = (0, 1, 1000, 4096, 20_000)
CPU_S = (1, 2)
YEARS_S = 365 * 24 * 3600
REFUSED = (*ALLOWED, 2)
"""A folder that cannot be written may be called a wrong argument."""


@dataclass(frozen=True)
class Condition:
    """A fault of the machine.

    Attributes:
        happen: lets each degree of it happen on a stage.
        root: only root can make it.
    """

    name: str
    promise: str
    happen: Callable[[Stage], Iterator[Outcome]]
    root: bool = False


def limited(stage: Stage, what: str, number: int, degrees: tuple[int, ...], unit: int) -> Iterator[Outcome]:
    """Less and less of what ``setrlimit`` limits."""
    for degree in degrees:
        fresh(stage.template, stage.place)
        limit = partial(resource.setrlimit, number, (degree * unit, degree * unit))
        ended = attempt(stage.scene.command, stage.place, stage.shim, Fault(), limit)
        yield judged(stage, ended, f"{degree} {what}", (*ALLOWED, -9, -24))


def judged(stage: Stage, ended: Ended, fault: str, allowed: tuple[int, ...] = ALLOWED) -> Outcome:
    """What came of a run, and of the next one in the same place."""
    broken = [*at_once(stage, ended, allowed), *afterwards(stage)]
    return Outcome(stage.scene.name, fault, ended.code, tuple(broken))


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    """A block in which ``place`` is a file system of its own, in memory.

    Raises:
        subprocess.CalledProcessError: we may not mount one.
    """
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607


def full_disk(stage: Stage) -> Iterator[Outcome]:
    """Room for few pages; afterwards there is room again."""
    for free in FREE_PAGES:
        with disk(stage.place, "size=64m"):
            shutil.copytree(stage.template, stage.place, dirs_exist_ok=True)
            filler = stage.place / "filler"
            room = os.statvfs(stage.place)
            with filler.open("wb") as stream:
                stream.write(bytes(max(0, room.f_bavail - free) * room.f_frsize))
            ended = attempt(stage.scene.command, stage.place, stage.shim, Fault())
            filler.unlink()
            yield judged(stage, ended, f"{free} pages are free")


def read_only(stage: Stage) -> Iterator[Outcome]:
    """The project cannot be written, or nothing can; afterwards it can be."""
    for part in ("work", "."):
        fresh(stage.template, stage.place)
        with disk(stage.place, "size=64m"):
            shutil.copytree(stage.template, stage.place, dirs_exist_ok=True)
            folder = str(stage.place / part)
            if part == "work":
                subprocess.run(["mount", "--bind", folder, folder], check=True)  # noqa: S607
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)  # noqa: S607
            ended = attempt(stage.scene.command, stage.place, stage.shim, Fault())
            subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)  # noqa: S607
            yield judged(stage, ended, "the project" if part == "work" else "everything", REFUSED)
            if part == "work":
                subprocess.run(["umount", folder], check=True)  # noqa: S607


def other_clock(stage: Stage) -> Iterator[Outcome]:
    """The clock is set back, or ahead, between two runs."""
    for years in (-20, -1, 1, 10):
        fresh(stage.template, stage.place)
        ended = attempt(stage.scene.command, stage.place, stage.shim, Fault(clock_s=years * YEARS_S))
        yield judged(stage, ended, f"{years:+d} years", (0,))


def two_processes(stage: Stage) -> Iterator[Outcome]:
    """The same command twice at the same time."""
    for _ in range(3):
        fresh(stage.template, stage.place)
        first, second = attempt_both(stage.scene.command, stage.place, stage.shim)
        broken = [*at_once(stage, first, ALLOWED), *at_once(stage, second, ALLOWED), *afterwards(stage)]
        if first.code != 0 and second.code != 0:
            broken.append(f"both failed: {first.text[-300:]} and {second.text[-300:]}")
        yield Outcome(stage.scene.name, "at the same time", max(first.code or 0, second.code or 0), tuple(broken))


def two_containers(stage: Stage) -> Iterator[Outcome]:
    """The same command twice at the same time, each with process ids of its own."""
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    program = [*apart, sys.executable, "-c", "from edgekit.program import main; main()", *stage.scene.command]
    folders = {"EDGEKIT_CACHE": "cache", "TMPDIR": "tmp", "HOME": "home"}
    fresh(stage.template, stage.place)
    env = {**os.environ, **{name: str(stage.place / folder) for name, folder in folders.items()}}
    started = [
        subprocess.Popen(
            program, cwd=stage.place / "work", env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    said = [child.communicate()[0] for child in started]
    ended = [Ended(child.returncode, text, (), stage.shim.seen) for child, text in zip(started, said, strict=True)]
    broken = [*at_once(stage, ended[0], ALLOWED), *at_once(stage, ended[1], ALLOWED), *afterwards(stage)]
    if all(one.code != 0 for one in ended):
        broken.append(f"both failed: {' and '.join(said)}")
    yield Outcome(stage.scene.name, "at the same time", max(one.code or 0 for one in ended), tuple(broken))


WHOLE = "whole"
"""As the page says what that means."""
CONDITIONS = (
    Condition("the disk is full", WHOLE, full_disk, root=True),
    Condition("a folder that cannot be written", f"{WHOLE}, or exit code 2", read_only, root=True),
    Condition(
        "files must be small",
        WHOLE,
        partial(limited, what="bytes a file", number=resource.RLIMIT_FSIZE, degrees=FILE_BYTES, unit=1),
    ),
    Condition(
        "few open files",
        WHOLE,
        partial(limited, what="descriptors", number=resource.RLIMIT_NOFILE, degrees=FILES, unit=1),
    ),
    Condition(
        "little memory",
        WHOLE,
        partial(limited, what="MB of addresses", number=resource.RLIMIT_AS, degrees=MEMORY_MB, unit=1_000_000),
    ),
    Condition(
        "little CPU time",
        f"{WHOLE}, or ended by the system",
        partial(limited, what="CPU seconds a process", number=resource.RLIMIT_CPU, degrees=CPU_S, unit=1),
    ),
    Condition("the clock is set back, or ahead", "exit code 0, and nothing is lost", other_clock),
    Condition("two processes", f"{WHOLE}; at least one of them succeeds", two_processes),
    Condition("two process namespaces", f"{WHOLE}; at least one of them succeeds", two_containers, root=True),
)
