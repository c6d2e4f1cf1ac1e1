"""Files and programs on a device behind a shell, however the shell is reached."""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from ..base.files import sha256_file
from ..base.processes.posix import user_name
from ..base.progress import Progress, Step
from ..errors import shown
from .ssh_errors import DeviceError
from .ssh_scripts import FETCH, LINK, RUN, SEND

SMALL = 4096
"""Bytes below which sending a file costs less than asking whether it is there."""
CALL_S, BYTES_PER_S = 60.0, 100_000
"""Deadline of a call: the base, and the addition for data over the slowest link that is supported."""
CLOSE_S = 10.0
"""Time to clean up on the device; after that the connection is cut."""
RETURN_S, RETRY_S = 120.0, 3.0
"""How long to wait for a device whose connection was lost, and the pause between two tries."""


def owner() -> str:
    """Our name, for others who find the device in use."""
    return f"{user_name()}@{socket.gethostname()}, process {os.getpid()}, since {time.strftime('%F %T')}"


class ShellMachine(ABC):
    """A transport (edgekit.bench.launch) over a shell; a subclass says how a script gets there.

    A broken connection is made again when the next files are sent; a program that ran meanwhile has failed with an
    error.

    Attributes:
        name: of the device, for messages.
        mark: the line before which stdout is not that of our script.
        base: our folder there: ``files`` by content, kept; ``runs`` one folder per connection, removed.
        run: the folder of this run, in ``runs``.
        python: interpreter there.
        counter: numbers what is made in ``run``.
        progress: told of a connection that is made anew.
        resumes: False where a connection must not be made anew: others may have used the device meanwhile.
        waited_in_vain: the device did not come back the last time; it is not waited for again.
    """

    name: str
    mark: bytes
    base: str
    run: str
    python: str
    counter: Iterator[int]
    progress: Progress
    resumes = True
    waited_in_vain = False

    @abstractmethod
    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script there by the open connection and no other."""

    @abstractmethod
    def call(
        self,
        what: str,
        script: str,
        *arguments: str,
        data: IO[bytes] | None = None,
        size: int = 0,
        sink: Callable[[bytes], object] | None = None,
    ) -> bytes:
        """Run a script there; what it prints is returned, or given to ``sink``; ``data``, ``size`` bytes, is its stdin.

        Raises:
            DeviceError: it failed, was killed, ran out of time, printed too much, or the connection is lost.
        """

    @abstractmethod
    def open(self) -> None:
        """Connect, take the device, and set ``base`` and ``run``.

        Raises:
            DeviceError: it cannot be reached, refuses us, or is in use.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the device; the files of this run are removed there."""

    @property
    @abstractmethod
    def keeper(self) -> subprocess.Popen[bytes] | None:
        """The process that keeps the connection, and the device ours; None before the first."""

    @property
    def lost(self) -> bool:
        """True when the connection that held the device has broken."""
        return self.keeper is None or self.keeper.poll() is not None

    def hung_up(self) -> bool:
        """True when the connection broke, which its keeper notices a moment later than others may."""
        if self.keeper is not None:
            with suppress(subprocess.TimeoutExpired):
                self.keeper.wait(timeout=0.5)
        return self.lost

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """Put ``files`` into one new folder there, after connecting anew where the connection was lost meanwhile.

        Only files whose content is not there yet are sent.

        Returns:
            Their paths there.
        """
        if self.lost:
            self.reopen()
        try:
            return self.put(files)
        except DeviceError as error:
            if error.kind != "lost" or not self.hung_up():
                raise
            self.reopen()
            return self.put(files)

    def reopen(self) -> None:
        """Take the device again; wait once for a device that restarts.

        Raises:
            DeviceError: it cannot be taken, or did not come back within :data:`RETURN_S`; or this run does not resume.
        """
        if not self.resumes:
            raise DeviceError("lost", f"the connection to {self.name} was lost", "did it restart? then run it again")
        self.progress(Step(f"the connection to {self.name} was lost: connecting anew"))
        self.close()
        deadline = time.monotonic() + (0.0 if self.waited_in_vain else RETURN_S)
        while True:
            try:
                self.open()
                self.waited_in_vain = False
                return
            except DeviceError as error:
                self.close()
                if error.kind not in ("unreachable", "lost", "failed") or time.monotonic() > deadline:
                    self.waited_in_vain = True
                    raise
            time.sleep(RETRY_S)

    def put(self, files: Sequence[Path]) -> list[str]:
        """As :meth:`deliver`, by the connection that there is."""
        folder = f"{self.run}/{next(self.counter)}"
        what = f"sending {', '.join(path.name for path in files)}"
        large = [(sha256_file(path), path) for path in files if path.stat().st_size >= SMALL]
        small = [path for path in files if path.stat().st_size < SMALL]
        sent: set[str] = set()
        again: list[tuple[str, Path]] = []  # content that comes under a second name
        for digest, path in self.link(what, folder, large, small[0] if small else None):
            if digest in sent:
                again.append((digest, path))
            else:
                self.send(path, f"{self.base}/files/{digest}", what, f"{folder}/{path.name}")
                sent.add(digest)
        if again and (lost := self.link(what, folder, again, None)):
            raise DeviceError("failed", f"{what}: {lost[0][1].name} is not there after it was sent")
        for path in small[1:]:
            self.send(path, f"{folder}/{path.name}", what)
        return [f"{folder}/{path.name}" for path in files]

    def link(
        self, what: str, folder: str, large: Sequence[tuple[str, Path]], small: Path | None
    ) -> list[tuple[str, Path]]:
        """Put the content that is there already into a folder, under its names, and a small file by the same call.

        Returns:
            Those of ``large``, a digest and a file each, that are not there.
        """
        rows = [word for digest, path in large for word in (digest, str(path.stat().st_size), path.name)]
        if small is None:
            answer = self.call(what, LINK, self.base, folder, "0", "", *rows)
        else:
            size = small.stat().st_size
            with small.open("rb") as data:
                answer = self.call(what, LINK, self.base, folder, str(size), small.name, *rows, data=data, size=size)
        told = [line.partition(" ") for line in answer.decode(errors="replace").splitlines()]
        known = {digest for digest, _ in large}
        strange = ["".join(parts) for parts in told if parts[0] != "missing" or parts[2] not in known]
        if strange:
            message = f"{what}: {self.name} answered {shown(strange[0])} where names of missing files should be"
            raise DeviceError("failed", message, "does something there print into the commands that we send?")
        absent = {parts[2] for parts in told}
        return [(digest, path) for digest, path in large if digest in absent]

    def send(self, path: Path, there: str, what: str, also: str = "") -> None:
        """Copy one file; ``also`` is a second path for it."""
        size = path.stat().st_size
        second = [also] if also else []
        with path.open("rb") as stream:
            self.call(what, SEND, there, str(size), *second, data=stream, size=size)

    def running(self, python: str) -> Self:
        """The same open connection, with another interpreter there."""
        other = copy.copy(self)
        other.python = python
        return other

    def command(self, program: str, argument: str) -> list[str]:
        """The ssh command line that runs a Python program there; closing its stdin kills it there."""
        return self.through(RUN, program.rpartition("/")[0], self.python, program, argument)

    def place(self, here: Path) -> str:
        """Where the agent shall write a file that :meth:`fetch` brings to ``here``."""
        return f"{self.run}/{next(self.counter)}-{here.name}"

    def fetch(self, there: str, here: Path) -> None:
        """Copy a file of at most :data:`~edgekit.base.listener.ANSWER_BYTES` from there to ``here``."""
        with here.open("wb") as stream:
            self.call(f"fetching {here.name}", FETCH, there, sink=stream.write)
