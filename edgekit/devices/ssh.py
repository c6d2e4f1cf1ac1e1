"""A machine behind SSH: OpenSSH's own program, so with the user's config, keys, jump hosts and known hosts.

One connection carries everything: the process that holds the device's lock is its master, the others go through it.
Nothing else is needed there than a POSIX shell, ``flock``, ``setsid`` and Python.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from ..base.scratch import scratch_folder
from ..errors import ToolError
from .shell_machine import BYTES_PER_S, CALL_S, ShellMachine, owner, read_line
from .ssh_errors import BUSY, NOT_FOUND, SCRIPT_FAILED, DeviceError, connection_error, quoted, script_error
from .ssh_scripts import OPEN, remote

LONGEST_SOCKET = 80
"""Bytes of a socket's path that leave room for the suffix that ssh adds while it binds; the kernel allows 108."""


@dataclass(frozen=True)
class Target:
    """Whom ssh shall reach, and how.

    Attributes:
        name: of the device, for messages.
        host: address or alias; ``user`` and ``port`` are the SSH config's when None.
        config: file for ``ssh -F``; the user's own when None.
        connect_s: how long a connection may take.
    """

    name: str
    host: str
    user: str | None = None
    port: int | None = None
    python: str = "python3"
    config: Path | None = None
    connect_s: int = 10

    @property
    def login(self) -> list[str]:
        """The command by which a person would log in."""
        options = [*(["-F", str(self.config)] if self.config else []), *(["-p", str(self.port)] if self.port else [])]
        return ["ssh", *options, f"{self.user}@{self.host}" if self.user else self.host]

    def command(self, socket_path: Path, *options: str) -> list[str]:
        """The ssh command line up to and with the host."""
        settings = {
            "BatchMode": "yes",
            "ControlPath": str(socket_path),
            "ControlPersist": "no",
            "ConnectTimeout": str(self.connect_s),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
            # What a config may say for a person's logins, and what would disturb ours.
            "ClearAllForwardings": "yes",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "RequestTTY": "no",
        }
        told = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        return ["ssh", *options, *told, *self.login[1:-1], "--", self.login[-1]]


class SshMachine(ShellMachine):
    """An open connection to a device, which is ours alone until it is closed; a context manager.

    Files go to ``~/.cache/edgekit`` there: ``files`` by content, kept; ``runs`` one folder per connection, removed.

    Attributes:
        where: for messages: where something is to be installed.
    """

    def __init__(self, target: Target) -> None:
        """Nothing is connected before the block begins."""
        self.target = target
        self.python = target.python
        self.where = f" (on {target.name}, for its {target.python})"
        self.counter = itertools.count()
        self.folders = ExitStack()

    def __enter__(self) -> Self:
        """Connect and take the device.

        Raises:
            DeviceError: it cannot be reached, refuses us, or is in use.
        """
        if shutil.which("ssh") is None:
            raise ToolError("the program ssh is not here", "apt-get install openssh-client")
        self.private = self.folders.enter_context(scratch_folder(parent=Path(socket_folder())))
        self.socket, self.log = self.private / "s", self.private / "stderr.txt"
        try:
            self.base, self.run = self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up there and disconnect."""
        self.close()

    def open(self) -> tuple[str, str]:
        """Start the master; our folder there, and that of this run."""
        name = uuid.uuid4().hex[:12]
        with self.log.open("wb") as stderr:
            self.master = subprocess.Popen(
                [*self.target.command(self.socket, "-M"), remote(OPEN, owner(), name)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is ours: the master has to stay until we have cleaned up
            )
        assert self.master.stdout is not None
        deadline = time.monotonic() + self.target.connect_s + CALL_S
        while (line := read_line(self.master.stdout, deadline)) is not None:
            word, _, rest = line.partition(" ")
            if word == "busy":
                raise DeviceError("busy", f"{self.target.name} is in use by {rest}", "wait until that run has ended")
            if word == "edgekit-ready":
                return rest, f"{rest}/runs/{name}"
        raise self.refusal()

    def refusal(self) -> DeviceError:
        """Why the master did not come up."""
        try:
            code = self.master.wait(timeout=2)
        except subprocess.TimeoutExpired:
            message = f"{self.target.name} did not answer within {self.target.connect_s + CALL_S:g} s"
            return DeviceError("unreachable", message + quoted(self.said()), "is the device overloaded? log in by hand")
        said = self.said()
        if code == NOT_FOUND and "no flock" in said:
            return DeviceError("shell", f"there is no flock on {self.target.name}", "install util-linux there")
        if code == BUSY:
            return DeviceError("busy", f"{self.target.name} is in use by another run", "wait until it has ended")
        if code == SCRIPT_FAILED and "No space left" not in said:
            message = f"nothing can be written to the cache folder on {self.target.name}{quoted(said)}"
            return DeviceError("write", message, "its ~/.cache (or XDG_CACHE_HOME) has to be ours, on a writable disk")
        known = script_error(self.target.name, "taking the device", code, said, self.target.python)
        return known or connection_error(self.target.name, self.target.login, said)

    def said(self) -> str:
        """What the master printed on stderr."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        """Let the device go."""
        master = getattr(self, "master", None)
        if master is not None:
            with suppress(BrokenPipeError):  # it has ended already
                master.stdin.close()
            try:
                master.wait(timeout=10)
            except subprocess.TimeoutExpired:
                master.kill()
                master.wait()
            master.stdout.close()
        self.folders.close()

    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script there by the open connection and no other."""
        return [*self.target.command(self.socket, "-o", "ProxyCommand=false"), remote(script, *arguments)]

    def call(self, what: str, script: str, *arguments: str, data: IO[bytes] | None = None, size: int = 0) -> bytes:
        """Run a script there and return what it prints.

        Raises:
            DeviceError: it failed, was killed, ran out of time, or the connection is lost.
        """
        limit = CALL_S + size / BYTES_PER_S
        try:
            done = subprocess.run(
                self.through(script, *arguments),
                stdin=data or subprocess.DEVNULL,
                capture_output=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{what}: {self.target.name} did not finish within {limit:.0f} s"
            raise DeviceError("lost", message, "is the connection very slow, or the device overloaded?") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace")
            raise self.explain(what, done.returncode, said) or DeviceError(
                "failed", f"{what} on {self.target.name} failed with exit code {done.returncode}{quoted(said)}"
            )
        return done.stdout

    def explain(self, what: str, code: int | None, said: str) -> DeviceError | None:
        """The error that an exit code and stderr mean, or None when they say nothing special."""
        if code == 255 or (code is not None and self.master.poll() is not None):
            message = f"{what}: the connection to {self.target.name} was lost{quoted(said + self.said())}"
            return DeviceError("lost", message, "did the device restart, or go to sleep? then run it again")
        return script_error(self.target.name, what, code, said, self.target.python)


def socket_folder() -> str:
    """Where a socket's path stays short enough for the kernel."""
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) <= LONGEST_SOCKET - len("/edgekit-xxxxxxxxxxxx/s") else "/tmp"  # noqa: S108
