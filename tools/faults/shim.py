"""Lets one operation of a program, or of what it starts, fail: a library that is loaded before all others (shim.c).

It counts what changes files below one folder, starts of programs, and what ``ssh`` sends; all processes share a count.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

STATE, PRELOAD = "FAULT_STATE", "LD_PRELOAD"
OPERATIONS = 16384


class Class(IntEnum):
    """What kind of operation fails."""

    WRITING = 0
    REMOVING = 1
    LOCKING = 2
    STARTING = 3
    TALKING = 4


class Shared(ctypes.Structure):
    """``struct state`` of shim.c."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("armed", "at", "for_good", "kill", "code", "fired", "first", "count")),
        ("clock_s", ctypes.c_longlong),
        ("root", ctypes.c_char * 512),
        ("text", ctypes.c_char * 512),
        ("classes", ctypes.c_ubyte * OPERATIONS),
    )


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        at: the operation that fails, counted from 1; 0 for none.
        kill: a signal that the process that makes it gets instead.
        for_good: all later ones of its class fail too.
        code: the ``errno`` of what writes.
        clock_s: seconds that the clock is ahead.
    """

    at: int = 0
    kill: int = 0
    for_good: bool = False
    code: int = 0
    clock_s: int = 0


@dataclass(frozen=True)
class Seen:
    """What the shim saw.

    Attributes:
        classes: of the operations in their order.
        fired: how many failed.
        text: the first of these, in words.
    """

    classes: tuple[Class, ...]
    fired: int
    text: str


class Shim:
    """The state that a program with the shim, and all that it starts, shares with us."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), ctypes.sizeof(Shared))
        self._state = Shared.from_buffer(self._map)

    @contextmanager
    def watching(self, root: Path, fault: Fault) -> Iterator[None]:
        """A block in which operations below ``root`` count, and ``fault`` happens."""
        state = self._state
        ctypes.memset(ctypes.addressof(state), 0, ctypes.sizeof(Shared))
        state.root, state.clock_s = os.fsencode(root), fault.clock_s
        state.at, state.kill, state.for_good, state.code = fault.at, fault.kill, fault.for_good, fault.code
        state.armed = 1
        try:
            yield
        finally:
            state.armed = state.clock_s = 0

    @property
    def seen(self) -> Seen:
        """What the last block saw."""
        state = self._state
        classes = tuple(Class(number) for number in state.classes[: min(state.count, OPERATIONS)])
        return Seen(classes, state.fired, os.fsdecode(state.text))


def environment(folder: Path) -> dict[str, str]:
    """Build the shim in ``folder``; the variables of a program that shall have it.

    Raises:
        subprocess.CalledProcessError, FileNotFoundError: no C compiler, or it fails.
    """
    library, state = folder / "shim.so", folder / "state"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)  # noqa: S607
    state.write_bytes(bytes(ctypes.sizeof(Shared)))
    return {PRELOAD: str(library), STATE: str(state)}
