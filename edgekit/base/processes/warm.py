"""Warm interpreters: each has imported what children need, and forks one for every piece of work.

Importing PyTorch and a converter takes longer than most conversions. A child is still a process of its own, with
nothing in it but what was imported. Inside :func:`warm`, and on Linux only: elsewhere every child is a fresh
interpreter, which does the same.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from .interpreter import python_module

LONGEST_MESSAGE = 1 << 20
LINGER_S = 60.0
"""How long an interpreter waits for more work: importing PyTorch takes seconds, and its memory is wanted elsewhere."""
FORK, END = b"fork", b"end"
KILLED = -9
READ_AT_START = ("OMP_", "KMP_", "MKL_", "OPENBLAS_", "MALLOC_", "LD_", "PYTHON")
"""Variables that libraries read once, while they are loaded."""


@dataclass(frozen=True)
class Work:
    """The work of a child.

    Attributes:
        main: arguments of :func:`edgekit.base.processes.isolate.main`.
        environment: the child's variables, all of them.
        folder: where it starts.
    """

    main: list[str]
    environment: dict[str, str]
    folder: str


@dataclass(frozen=True)
class Grow:
    """The name of a module: the child imports it, and becomes a warm interpreter itself."""

    module: str


class Forked:
    """A child that a warm interpreter has forked. It leads a process group.

    Attributes:
        pid: its process id.
        returncode: its exit code, minus the number of the signal that ended it; None while it may run.
        seconds: CPU time of it and its descendants, once it has ended; the first child's has that of the imports.
    """

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.seconds = 0.0
        self._line = line

    def wait(self, timeout_s: float | None) -> int | None:
        """The exit code, or None when the time is over."""
        if self.returncode is None:
            self._line.settimeout(timeout_s)
            try:
                told = self._line.recv(LONGEST_MESSAGE)
            except TimeoutError:
                return None
            except ConnectionError:
                told = b""
            # Nothing comes when the warm interpreter was killed, and the child with it.
            ended = json.loads(told) if told else {"code": KILLED, "seconds": 0.0}
            self.returncode, self.seconds = int(ended["code"]), float(ended["seconds"])
            self._line.close()
        return self.returncode


class Warm:
    """An interpreter that forks children."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def close(self) -> None:
        """End it, once those that it has forked have ended."""
        with suppress(OSError):  # it has been killed
            self._control.send(END)
        self._control.close()

    def ask(self, request: Work | Grow, file: int) -> tuple[socket.socket, int] | None:
        """Send a request and a file; where its child answers, and the child's process id. None where it has ended."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(self._control, [FORK], [theirs.fileno(), file])
            ours.sendall(json.dumps(asdict(request)).encode())
            told = ours.recv(LONGEST_MESSAGE)
        except OSError:
            told = b""
        except BaseException:
            ours.close()  # which ends the child
            raise
        if not told:
            ours.close()
            return None
        return ours, int(json.loads(told)["pid"])

    def grown(self, module: str) -> Warm | None:
        """Another one, which has imported ``module`` as well."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            asked = self.ask(Grow(module), theirs.fileno())
        if asked is None:
            ours.close()
            return None
        asked[0].close()
        return Warm(ours)


class Warmth:
    """The warm interpreters of this process, by what they have imported."""

    def __init__(self) -> None:
        self.blocks = 0
        self.cold = False
        self._lock = threading.Lock()
        self._found: dict[tuple[str, ...], Warm | None] = {}
        self._started: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    def get(self, modules: tuple[str, ...], environment: dict[str, str]) -> Warm | None:
        """The one that has imported ``modules``, in that order; None where there can be none."""
        with self._lock:
            if self._started is not None and read_at_start(environment) != self._environment:
                return None
            for count in range(len(modules) + 1):
                part = modules[:count]
                if part not in self._found:
                    before = self._found[part[:-1]] if part else None
                    self._found[part] = before.grown(part[-1]) if before else None if part else self._start(environment)
            return self._found[modules]

    def _start(self, environment: dict[str, str]) -> Warm:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._environment = read_at_start(environment)
        with theirs:
            self._started = subprocess.Popen(
                python_module("edgekit.base.processes.warm_server", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return Warm(ours)

    def begin(self) -> None:
        """A block begins."""
        with self._lock:
            self.blocks += 1

    def end(self) -> None:
        """A block ends, and with the last one all of them."""
        with self._lock:
            self.blocks -= 1
            if not self.blocks:
                self._end()

    def _end(self) -> None:
        for one in self._found.values():
            if one is not None:
                one.close()
        self._found.clear()
        if self._started is not None:
            with suppress(subprocess.TimeoutExpired):
                self._started.wait(5)
            self._started.kill()
            self._started.wait()
            self._started = None


WARMTH = Warmth()


def read_at_start(environment: dict[str, str]) -> dict[str, str]:
    """The variables that count when an interpreter starts."""
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


@contextmanager
def warm() -> Iterator[None]:
    """A block in which children may come from warm interpreters, which end with it; a block inside it adds nothing."""
    WARMTH.begin()
    try:
        yield
    finally:
        WARMTH.end()


@contextmanager
def lingering() -> Iterator[None]:
    """As :func:`warm`, and for :data:`LINGER_S` longer: for a process that is given pieces of work and is not told
    which is the last.
    """
    WARMTH.begin()
    try:
        yield
    finally:
        later = threading.Timer(LINGER_S, WARMTH.end)
        later.daemon = True  # with this process they end at once
        later.start()


@contextmanager
def cold() -> Iterator[None]:
    """A block in which every child is a fresh interpreter: one that is measured pays for its own imports."""
    before, WARMTH.cold = WARMTH.cold, True
    try:
        yield
    finally:
        WARMTH.cold = before


def is_warm() -> bool:
    """True where a child may come from a warm interpreter."""
    return bool(WARMTH.blocks) and not WARMTH.cold and sys.platform == "linux"


def fork(
    modules: Sequence[str], arguments: Sequence[str], log: IO[bytes], environment: dict[str, str]
) -> Forked | None:
    """Fork a child that runs :func:`edgekit.base.processes.isolate.main`; None where a fresh interpreter must do it.

    Args:
        modules: what the child will import; one that cannot be imported is left to the child, which says so.
        arguments: of ``main``.
        log: takes what the child prints.
        environment: the child's, whole.
    """
    if not (modules and is_warm()):
        return None
    found = WARMTH.get(tuple(modules), environment)
    request = Work(list(arguments), environment, str(Path.cwd()))
    asked = None if found is None else found.ask(request, log.fileno())
    return None if asked is None else Forked(asked[1], asked[0])
