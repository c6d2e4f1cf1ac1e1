"""A phone behind adb: Android's own program, over USB or TCP, several by their serial numbers.

As over SSH, one process holds the phone's lock while we use it; every other call is a separate ``adb shell``. Nothing
is installed on the phone; all files go to one folder of /data/local/tmp.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Self

from ..base.clean import visible
from ..base.listener import ExcessError, Listener, gather
from ..base.progress import Progress
from .adb_client import Phone, find_adb
from .adb_scripts import BASE, DONE, OPEN, WHOLE, remote
from .shell_machine import BYTES_PER_S, CALL_S, CLOSE_S, ShellMachine, owner
from .ssh_errors import BUSY, NOT_FOUND, DeviceError, quoted, script_error

ADB_SAYS = re.compile(
    r"^(error|adb): .*(device .*not found|device offline|device unauthorized|no devices|closed|connection reset"
    r"|cannot connect to daemon|device still authorizing|protocol fault)",
    re.MULTILINE,
)
"""The client's own words for a missing connection."""


LONGEST_OWNER = 200
LONGEST_LINE = 1 << 14
"""Bytes that the phone may print before it is ours, in one line or several."""


class AdbMachine(ShellMachine):
    """A phone that nobody else uses until the block ends; a context manager.

    Attributes:
        where: for messages: where something is to be installed.
    """

    mark = b""  # a phone's shell reads no files of a login

    def __init__(self, phone: Phone, progress: Progress, python: str = "python3", base: str = BASE) -> None:
        """Nothing is connected before the block begins."""
        self.phone, self.name = phone, phone.name
        self.progress = progress
        self.python = python
        self.base = base
        self.where = f" (on {self.name}, for its {python})"
        self.counter = itertools.count()
        self.holder: subprocess.Popen[bytes] | None = None
        self.heard: Listener | None = None
        self.taken = False

    def __enter__(self) -> Self:
        """Connect and take the phone.

        Raises:
            DeviceError: it cannot be reached, refuses us, or is in use.
        """
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up on the phone and release it."""
        self.close()

    def open(self) -> None:
        """Start the process that holds the lock; the folder of the run is new."""
        self.taken = False
        self.phone.connect(self.progress)
        name = uuid.uuid4().hex[:12]
        self.holder = subprocess.Popen(
            self.through(OPEN, owner(), name, self.base), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.phone.variables(), start_new_session=True,  # Ctrl-C is ours
        )  # fmt: skip
        self.heard = Listener(self.holder, LONGEST_LINE)
        deadline = time.monotonic() + CALL_S
        try:
            for line in first_lines(self.heard, deadline):
                word, _, rest = line.decode(errors="replace").strip().partition(" ")
                if word == "busy":
                    message = f"{self.name} is in use by {visible(rest[:LONGEST_OWNER])}"
                    raise DeviceError("busy", message, "wait until that run has ended")
                if word == "edgekit-ready":
                    self.run, self.taken = f"{self.base}/runs/{name}", True
                    return
        except ExcessError as error:
            raise DeviceError("shell", f"the shell of {self.name} {error}", "is it a phone?") from error
        try:
            code = self.holder.wait(timeout=2)
        except subprocess.TimeoutExpired:
            raise DeviceError("unreachable", f"{self.name} did not answer within {CALL_S:g} s") from None
        raise self.refusal(code, visible(self.heard.said()))

    def refusal(self, code: int, said: str) -> DeviceError:
        """Why the phone could not be taken."""
        if code == NOT_FOUND and "no flock" in said:
            return DeviceError("shell", f"there is no flock on {self.name}", "edgekit needs Android 8 or later")
        if code == BUSY:
            return DeviceError("busy", f"{self.name} is in use by another run", "wait until it has ended")
        known = self.explain("taking the phone", code, said)
        by_hand = f"adb -s {self.phone.serial} shell mkdir -p {self.base}"
        return known or DeviceError(
            "write",
            f"nothing can be written to {self.base} on {self.name}{quoted(said)}",
            f"adb's shell must be able to write there: {by_hand}",
        )

    def close(self) -> None:
        """Release the phone; the process on it cleans up when its stdin ends."""
        holder, self.holder = self.holder, None
        if holder is None:
            return
        assert holder.stdin is not None
        with suppress(BrokenPipeError):
            holder.stdin.close()
        try:
            holder.wait(timeout=CLOSE_S if self.taken else 1.0)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        if self.heard is not None:
            self.heard.close()

    @property
    def keeper(self) -> subprocess.Popen[bytes] | None:
        """The process that holds the phone's lock."""
        return self.holder

    @property
    def way(self) -> list[str]:
        """The command line, to be run here, that runs the shell command that follows on the phone."""
        settings = [f"{key}={value}" for key, value in self.phone.environment.items()]
        return [*(["env", *settings] if settings else []), find_adb(), "-s", self.phone.serial, "shell", "-T"]

    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script on the phone."""
        return [*self.way, remote(script, *arguments)]

    def call(
        self,
        what: str,
        script: str,
        *arguments: str,
        data: IO[bytes] | None = None,
        size: int = 0,
        sink: Callable[[bytes], object] | None = None,
    ) -> bytes:
        """Run a script there and return what it prints; see :class:`ShellMachine`."""
        limit = CALL_S + size / BYTES_PER_S
        given = subprocess.DEVNULL if data is None else data
        command = self.through(WHOLE, script, *arguments)
        done = gather(command, limit, stdin=given, env=self.phone.variables(), sink=sink)
        if done.excess:
            raise DeviceError("failed", f"{what}: {self.name} {done.excess}", "is it a phone?")
        if done.code is None:
            message = f"{what}: {self.name} did not finish within {limit:.0f} s"
            raise DeviceError("lost", message, "is the cable or the network bad, or the phone asleep?")
        said, whole, _ = visible(done.said).rpartition(DONE)
        if not whole:
            raise self.broken(what, visible(done.said))
        if done.code:
            raise self.explain(what, done.code, said) or DeviceError(
                "failed", f"{what} on {self.name} failed with exit code {done.code}{quoted(said)}"
            )
        return done.stdout

    def explain(self, what: str, code: int | None, said: str) -> DeviceError | None:
        """The error that an exit code and stderr mean, or None when they say nothing special."""
        if code is not None and (ADB_SAYS.search(said) or self.hung_up()):
            return self.broken(what, visible(said))
        return script_error(self.name, what, code, visible(said), self.python)

    def broken(self, what: str, said: str) -> DeviceError:
        """The error of a connection that ended too early."""
        message = f"{what}: the connection to {self.name} was lost{quoted(said)}"
        return DeviceError("lost", message, "was the cable pulled, or adb restarted? then run it again")


def first_lines(heard: Listener, deadline: float) -> Iterator[bytes]:
    """The lines that a phone prints before it is ours.

    Raises:
        ExcessError: there are far more than one.
    """
    taken = 0
    while line := heard.line(deadline):
        taken += len(line)
        if taken > LONGEST_LINE:
            raise ExcessError(f"printed {LONGEST_LINE} bytes and more, and not that it is ready")
        yield line
