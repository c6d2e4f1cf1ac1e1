"""A phone behind adb: Android's own program, over USB or TCP, several by their serial numbers.

As over SSH, one process holds the phone's lock for as long as it is ours; every other call is an ``adb shell`` of its
own. Nothing is installed there; all that is written is in one folder of /data/local/tmp.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

from ..base.progress import Progress, Step
from .adb_client import Phone, find_adb
from .adb_scripts import BASE, DONE, OPEN, WHOLE, remote
from .shell_machine import BYTES_PER_S, CALL_S, ShellMachine, owner, read_line
from .ssh_errors import BUSY, NOT_FOUND, DeviceError, quoted, script_error

ADB_SAYS = re.compile(
    r"^(error|adb): .*(device .*not found|device offline|device unauthorized|no devices|closed|connection reset"
    r"|cannot connect to daemon|device still authorizing|protocol fault)",
    re.MULTILINE,
)
"""What the client itself says of a connection that is not there."""


class AdbMachine(ShellMachine):
    """A phone that is ours alone until the block ends; a context manager.

    A connection that broke is made anew when the next files are sent: what ran meanwhile has failed and says so.

    Attributes:
        where: for messages: where something is to be installed.
    """

    def __init__(self, phone: Phone, progress: Progress, python: str = "python3", base: str = BASE) -> None:
        """Nothing is connected before the block begins."""
        self.phone = phone
        self.progress = progress
        self.python = python
        self.base = base
        self.where = f" (on {phone.name}, for its {python})"
        self.counter = itertools.count()
        self.holder: subprocess.Popen[bytes] | None = None

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
        """Clean up there and let it go."""
        self.close()

    def open(self) -> None:
        """Start the process that holds the lock; the folder of the run is new."""
        self.phone.connect(self.progress)
        name = uuid.uuid4().hex[:12]
        with TemporaryFile() as stderr:
            self.holder = subprocess.Popen(
                self.through(OPEN, owner(), name, self.base), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, env=self.phone.variables(), start_new_session=True,  # Ctrl-C is ours
            )  # fmt: skip
            assert self.holder.stdout is not None
            deadline = time.monotonic() + CALL_S
            while (line := read_line(self.holder.stdout, deadline)) is not None:
                word, _, rest = line.partition(" ")
                if word == "busy":
                    raise DeviceError("busy", f"{self.phone.name} is in use by {rest}", "wait until that run has ended")
                if word == "edgekit-ready":
                    self.run = f"{rest}/runs/{name}"
                    return
            try:
                code = self.holder.wait(timeout=2)
            except subprocess.TimeoutExpired:
                raise DeviceError("unreachable", f"{self.phone.name} did not answer within {CALL_S:g} s") from None
            stderr.seek(0)
            raise self.refusal(code, stderr.read().decode(errors="replace"))

    def refusal(self, code: int, said: str) -> DeviceError:
        """Why the phone could not be taken."""
        if code == NOT_FOUND and "no flock" in said:
            return DeviceError("shell", f"there is no flock on {self.phone.name}", "edgekit needs Android 8 or later")
        if code == BUSY:
            return DeviceError("busy", f"{self.phone.name} is in use by another run", "wait until it has ended")
        known = self.explain("taking the phone", code, said)
        by_hand = f"adb -s {self.phone.serial} shell mkdir -p {self.base}"
        return known or DeviceError(
            "write",
            f"nothing can be written to {self.base} on {self.phone.name}{quoted(said)}",
            f"adb's shell must be able to write there: {by_hand}",
        )

    def close(self) -> None:
        """Let the phone go; the process there cleans up when its stdin ends."""
        holder, self.holder = self.holder, None
        if holder is None:
            return
        assert holder.stdin is not None
        assert holder.stdout is not None
        with suppress(BrokenPipeError):
            holder.stdin.close()
        try:
            holder.wait(timeout=10)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
        holder.stdout.close()

    @property
    def lost(self) -> bool:
        """True when the connection that held the phone has broken."""
        return self.holder is None or self.holder.poll() is not None

    @property
    def way(self) -> list[str]:
        """The command line, to be run here, that runs the shell command that follows on the phone."""
        settings = [f"{key}={value}" for key, value in self.phone.environment.items()]
        return [*(["env", *settings] if settings else []), find_adb(), "-s", self.phone.serial, "shell", "-T"]

    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script on the phone."""
        return [*self.way, remote(script, *arguments)]

    def call(self, what: str, script: str, *arguments: str, data: IO[bytes] | None = None, size: int = 0) -> bytes:
        """Run a script there and return what it prints; see :class:`ShellMachine`."""
        limit = CALL_S + size / BYTES_PER_S
        try:
            done = subprocess.run(
                self.through(WHOLE, script, *arguments), stdin=data or subprocess.DEVNULL, capture_output=True,
                env=self.phone.variables(), timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            message = f"{what}: {self.phone.name} did not finish within {limit:.0f} s"
            raise DeviceError("lost", message, "is the cable or the network bad, or the phone asleep?") from error
        said, whole, _ = done.stderr.decode(errors="replace").rpartition(DONE)
        if not whole:
            raise self.broken(what, done.stderr.decode(errors="replace"))
        if done.returncode:
            raise self.explain(what, done.returncode, said) or DeviceError(
                "failed", f"{what} on {self.phone.name} failed with exit code {done.returncode}{quoted(said)}"
            )
        return done.stdout

    def explain(self, what: str, code: int | None, said: str) -> DeviceError | None:
        """The error that an exit code and stderr mean, or None when they say nothing special."""
        if code is not None and (ADB_SAYS.search(said) or self.hung_up()):
            return self.broken(what, said)
        return script_error(self.phone.name, what, code, said, self.python)

    def broken(self, what: str, said: str) -> DeviceError:
        """The error of a connection that ended too early."""
        message = f"{what}: the connection to {self.phone.name} was lost{quoted(said)}"
        return DeviceError("lost", message, "was the cable pulled, or adb restarted? then run it again")

    def hung_up(self) -> bool:
        """True when the connection broke, which its holder notices a moment later than others may."""
        if self.holder is not None:
            with suppress(subprocess.TimeoutExpired):
                self.holder.wait(timeout=0.5)
        return self.lost

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """Put ``files`` into one new folder there, after connecting anew where the connection was lost meanwhile."""
        if self.lost:
            self.reopen()
        try:
            return super().deliver(files)
        except DeviceError as error:
            if error.kind != "lost" or not self.hung_up():
                raise
            self.reopen()
            return super().deliver(files)

    def reopen(self) -> None:
        """Take the phone again."""
        self.progress(Step(f"the connection to {self.phone.name} was lost: connecting anew"))
        self.close()
        self.open()
