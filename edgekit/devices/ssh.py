"""A machine behind SSH. OpenSSH's own program connects, so the user's config, keys, jump hosts and known hosts apply.

One connection carries everything: the process that holds the device's lock is its master, the others go through it.
The machine only needs a POSIX shell, ``flock``, ``setsid`` and Python.
"""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from ..base.clean import visible
from ..base.listener import ExcessError, Listener, gather
from ..base.progress import Progress, silent
from ..base.scratch import scratch_folder
from ..bench.launch import NOISE
from ..errors import ToolError, shown
from .shell_machine import BYTES_PER_S, CALL_S, CLOSE_S, ShellMachine, owner
from .ssh_errors import BUSY, NOT_FOUND, SCRIPT_FAILED, SSH_FAILED, DeviceError, connection_error, quoted, script_error
from .ssh_scripts import OPEN, remote

LONGEST_SOCKET = 80
"""Bytes of a socket's path that leave room for the suffix that ssh adds while it binds; the kernel allows 108."""
LONGEST_BASE = 1 << 14
"""Bytes of the path of our folder there, and more than that."""


@dataclass(frozen=True)
class Target:
    """The host that ssh connects to, and how.

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
            # A dead link is noticed after 30 s; on one of 64 kbit/s the other side may be silent for half as long.
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "6",
            "LogLevel": "ERROR",
            # Settings that a config may have for a person's logins and that would disturb ours.
            "ClearAllForwardings": "yes",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "RequestTTY": "no",
        }
        told = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        return ["ssh", *options, *told, *self.login[1:-1], "--", self.login[-1]]


class SshMachine(ShellMachine):
    """An open connection to a device, which nobody else uses until it is closed; a context manager.

    Files go to ``~/.cache/edgekit`` there: ``files`` by content, kept; ``runs`` one folder per connection, removed.

    Attributes:
        where: for messages: where something is to be installed.
    """

    def __init__(self, target: Target, progress: Progress = silent) -> None:
        """Nothing is connected before the block begins."""
        self.target, self.name = target, target.name
        self.python = target.python
        self.progress = progress
        self.where = f" (on {target.name}, for its {target.python})"
        self.counter = itertools.count()
        self.folders = ExitStack()
        self.token = uuid.uuid4().hex
        self.mark = f"edgekit-begins-{uuid.uuid4().hex[:12]}".encode()
        self.master: subprocess.Popen[bytes] | None = None
        self.heard: Listener | None = None
        self.taken = False

    def __enter__(self) -> Self:
        """Connect and take the device.

        Raises:
            DeviceError: it cannot be reached, refuses us, or is in use.
        """
        if shutil.which("ssh") is None:
            raise ToolError("the program ssh is not here", "apt-get install openssh-client")
        self.private = self.folders.enter_context(scratch_folder(parent=Path(socket_folder())))
        self.socket = self.private / "s"
        try:
            self.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up on the device and disconnect."""
        self.close()
        self.folders.close()

    @property
    def keeper(self) -> subprocess.Popen[bytes] | None:
        """The master of the connection."""
        return self.master

    def open(self) -> None:
        """Start the master; our folder there, and that of this run."""
        name, self.taken = uuid.uuid4().hex[:12], False
        self.socket.unlink(missing_ok=True)  # of a master that was killed
        self.master = subprocess.Popen(
            [*self.target.command(self.socket, "-M"), self.remote(OPEN, owner(), name, self.token)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must reach us alone: the master has to stay until we have cleaned up
        )
        self.heard = Listener(self.master, LONGEST_BASE)
        deadline = time.monotonic() + self.target.connect_s + CALL_S
        try:
            noise = self.heard.skip_to(self.mark, deadline)
            lines = list(until(self.mark, self.heard, deadline)) if self.heard.marked else []
        except ExcessError as error:
            raise DeviceError("shell", f"the login on {self.name} {error}", NOISE) from error
        word, _, rest = b"\n".join(lines).partition(b" ")
        if word == b"busy":
            by = visible(rest.decode(errors="replace"))
            raise DeviceError("busy", f"{self.name} is in use by {by}", "wait until that run has ended")
        if word != b"edgekit-ready":
            raise self.refusal(noise)
        self.base = os.fsdecode(rest)
        self.run, self.taken = f"{self.base}/runs/{name}", True

    def refusal(self, noise: bytes | None) -> DeviceError:
        """Why the master did not come up; ``noise`` is what came on stdout instead."""
        assert self.master is not None
        try:
            code = self.master.wait(timeout=2)
        except subprocess.TimeoutExpired:
            message = f"{self.name} did not answer within {self.target.connect_s + CALL_S:g} s"
            return DeviceError("unreachable", message + quoted(self.said()), "is the device overloaded? log in by hand")
        said = self.said()
        if code == NOT_FOUND and "no flock" in said:
            return DeviceError("shell", f"there is no flock on {self.name}", "install util-linux there")
        if code == BUSY:
            return DeviceError("busy", f"{self.name} is in use by another run", "wait until it has ended")
        if noise is not None and self.heard is not None and not self.heard.marked and code != SSH_FAILED:
            printed = f"; it printed {shown(noise[:100].decode(errors='replace'))}" if noise.strip() else ""
            message = f"the login shell on {self.name} ran nothing of ours and ended with {code}{printed}{quoted(said)}"
            return DeviceError("shell", message, f"by hand: {shlex.join([*self.target.login, 'echo works'])}")
        if code == SCRIPT_FAILED and "No space left" not in said:
            message = f"nothing can be written to the cache folder on {self.name}{quoted(said)}"
            return DeviceError("write", message, "its ~/.cache (or XDG_CACHE_HOME) has to be ours, on a writable disk")
        known = script_error(self.name, "taking the device", code, said, self.python)
        return known or connection_error(self.name, self.target.login, said)

    def said(self) -> str:
        """What the master printed on stderr."""
        return visible(self.heard.said()) if self.heard is not None else ""

    def close(self) -> None:
        """Let the device go."""
        master, self.master = self.master, None
        if master is None:
            return
        assert master.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already
            master.stdin.close()
        try:
            master.wait(timeout=CLOSE_S if self.taken else 1.0)
        except subprocess.TimeoutExpired:
            master.kill()
            master.wait()
        if self.heard is not None:
            self.heard.close()

    def remote(self, script: str, *arguments: str) -> str:
        """The command for the login shell there that runs a script."""
        return remote(self.mark.decode(), script, *arguments)

    def through(self, script: str, *arguments: str) -> list[str]:
        """The command line, to be run here, that runs a script there by the open connection and no other."""
        return [*self.target.command(self.socket, "-o", "ProxyCommand=false"), self.remote(script, *arguments)]

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
        done = gather(self.through(script, *arguments), limit, stdin=given, mark=self.mark, sink=sink)
        if done.excess:
            raise DeviceError("failed", f"{what}: {self.name} {done.excess}", NOISE)
        if done.code is None:
            message = f"{what}: {self.name} did not finish within {limit:.0f} s"
            raise DeviceError("lost", message, "is the connection very slow, or the device overloaded?")
        if done.code:
            raise self.explain(what, done.code, done.said) or DeviceError(
                "failed", f"{what} on {self.name} failed with exit code {done.code}{quoted(visible(done.said))}"
            )
        if not done.marked:
            raise DeviceError("shell", f"{what}: the login shell on {self.name} ran nothing of ours", NOISE)
        return done.stdout

    def explain(self, what: str, code: int | None, said: str) -> DeviceError | None:
        """The error that an exit code and stderr mean, or None when they say nothing special."""
        if code == SSH_FAILED or (code is not None and self.lost):
            message = f"{what}: the connection to {self.name} was lost{quoted(visible(said) + self.said())}"
            return DeviceError("lost", message, "did the device restart, or go to sleep? then run it again")
        return script_error(self.name, what, code, visible(said), self.python)


def until(mark: bytes, heard: Listener, deadline: float) -> Iterator[bytes]:
    """The lines before the line ``mark``, or before the end, without their newlines.

    Raises:
        ExcessError: there are more than a name and a path.
    """
    taken = 0
    while (line := heard.line(deadline)) and line != mark + b"\n":
        taken += len(line)
        if taken > LONGEST_BASE:
            raise ExcessError(f"printed more than {LONGEST_BASE} bytes where the path of our folder should be")
        yield line.removesuffix(b"\n")


def socket_folder() -> str:
    """Where a socket's path stays short enough for the kernel."""
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) <= LONGEST_SOCKET - len("/edgekit-xxxxxxxxxxxx/s"):
        return folder
    # The socket gets a folder of its own there, which nobody else may enter.
    return "/tmp"  # noqa: S108 # nosec B108
