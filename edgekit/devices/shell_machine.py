"""What every device behind a shell does with files and programs, whichever way the shell is reached."""

from __future__ import annotations

import getpass
import os
import select
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from ..base.files import sha256_file
from .ssh_errors import DeviceError
from .ssh_scripts import FETCH, LINK, RUN, SEND

SMALL = 4096
"""Bytes below which sending a file costs less than asking whether it is there."""
CALL_S, BYTES_PER_S = 60.0, 100_000
"""Deadline of a call: the base, and what is added for data, by the slowest link that is borne with."""


def owner() -> str:
    """Who takes a device, for others who find it taken."""
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}, since {time.strftime('%F %T')}"


class ShellMachine(ABC):
    """A transport (edgekit.bench.launch) over a shell; a subclass says how a script gets there.

    Attributes:
        base: our folder there: ``files`` by content, kept; ``runs`` one folder per connection, removed.
        run: the folder of this run, in ``runs``.
        python: interpreter there.
        counter: numbers what is made in ``run``.
    """

    base: str
    run: str
    python: str
    counter: Iterator[int]

    @abstractmethod
    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script there by the open connection and no other."""

    @abstractmethod
    def call(self, what: str, script: str, *arguments: str, data: IO[bytes] | None = None, size: int = 0) -> bytes:
        """Run a script there and return what it prints; ``data`` of ``size`` bytes is its stdin.

        Raises:
            DeviceError: it failed, was killed, ran out of time, or the connection is lost.
        """

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """Put ``files`` into one new folder there, sending only what is not there by content; their paths there."""
        folder = f"{self.run}/{next(self.counter)}"
        large = {sha256_file(path): path for path in files if path.stat().st_size >= SMALL}
        rows = {digest: [digest, str(path.stat().st_size), path.name] for digest, path in large.items()}
        what = f"sending {', '.join(path.name for path in files)}"

        def link(digests: Sequence[str]) -> list[str]:
            arguments = [word for digest in digests for word in rows[digest]]
            answer = self.call(what, LINK, self.base, folder, *arguments).decode(errors="replace")
            return [line.split()[1] for line in answer.splitlines() if line.startswith("missing ")]

        missing = link(list(rows))
        for digest in missing:
            self.send(large[digest], f"{self.base}/files/{digest}", what)
        if missing and (lost := link(missing)):
            raise DeviceError("failed", f"{what}: {large[lost[0]].name} is not there after it was sent")
        for path in files:
            if path.stat().st_size < SMALL:
                self.send(path, f"{folder}/{path.name}", what)
        return [f"{folder}/{path.name}" for path in files]

    def send(self, path: Path, there: str, what: str) -> None:
        """Copy one file."""
        size = path.stat().st_size
        with path.open("rb") as stream:
            self.call(what, SEND, there, str(size), data=stream, size=size)

    def command(self, program: str, argument: str) -> list[str]:
        """The ssh command line that runs a Python program there; closing its stdin kills it there."""
        return self.through(RUN, program.rpartition("/")[0], self.python, program, argument)

    def place(self, here: Path) -> str:
        """Where the agent shall write a file that :meth:`fetch` brings to ``here``."""
        return f"{self.run}/{next(self.counter)}-{here.name}"

    def fetch(self, there: str, here: Path) -> None:
        """Copy a file from there to ``here``."""
        here.write_bytes(self.call(f"fetching {here.name}", FETCH, there))


def read_line(stream: IO[bytes], deadline: float) -> str | None:
    """The next line, or None at the end or when the deadline has passed."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
        byte = os.read(stream.fileno(), 1) if ready else b""
        if not byte:
            return None
        line += byte
    return line.decode(errors="replace").strip()
