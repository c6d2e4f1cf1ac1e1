"""Turn the messages of OpenSSH and the remote shell into errors with advice."""

from __future__ import annotations

import re
import shlex
import signal
from typing import Literal

from ..errors import ToolError

Kind = Literal[
    "place",
    "unreachable",
    "host-key",
    "auth",
    "busy",
    "write",
    "python",
    "disk-full",
    "killed",
    "lost",
    "shell",
    "failed",
]

SSH_FAILED, NOT_FOUND, BUSY, SCRIPT_FAILED, SIGNALLED = 255, 127, 75, 1, 128
"""Exit codes: of ssh itself, of a shell for a missing program, of our scripts for a lock and for a command that failed,
and what the number of a signal is added to."""


class DeviceError(ToolError):
    """A device that cannot be used; ``kind`` says which step failed."""

    def __init__(self, kind: Kind, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind


UNREACHABLE = (
    r"Could not resolve hostname.*|Connection refused|Connection timed out|Operation timed out|No route to host"
    r"|Network is unreachable|Connection reset by peer|timed out during banner exchange|Host is down"
)


def connection_error(name: str, login: list[str], said: str) -> DeviceError:
    """Why ssh could not log in.

    Args:
        name: of the device.
        login: the command by which a person would log in.
        said: what ssh printed on stderr.
    """
    by_hand = shlex.join(login)
    if "IDENTIFICATION HAS CHANGED" in said:
        return DeviceError(
            "host-key",
            f"{name} shows another host key than the known one: another system, or not yours{quoted(said)}",
            "make sure which it is; for a reinstalled device: ssh-keygen -R ADDRESS, then log in once by hand",
        )
    if "Host key verification failed" in said or re.search(r"No \S+ host key is known", said):
        return DeviceError(
            "host-key",
            f"the host key of {name} is not known yet{quoted(said)}",
            f"log in once by hand and compare its fingerprint: {by_hand}",
        )
    if re.search(r"Permission denied|Too many authentication failures|no mutual signature", said):
        return DeviceError(
            "auth",
            f"{name} refused the login{quoted(said)}",
            f"{shlex.join(['ssh-copy-id', *login[1:]])}; keys only: nobody can type a password",
        )
    unreachable = re.search(UNREACHABLE, said)
    if unreachable:
        return DeviceError(
            "unreachable",
            f"{name} cannot be reached: {unreachable[0]}{quoted(said)}",
            f"is it switched on, and is the address right? by hand: {by_hand}",
        )
    return DeviceError("failed", f"the SSH connection to {name} failed{quoted(said)}", f"by hand: {by_hand}")


def script_error(name: str, what: str, code: int | None, said: str, python: str) -> DeviceError | None:
    """Why something on the device ended with ``code``, or None when the code says nothing by itself."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DeviceError(
            "disk-full", f"{what}: the disk of {name} is full{quoted(said)}", "make room there: df -h, rm -r ~/.cache"
        )
    if code == NOT_FOUND and "no python" in said:
        return DeviceError(
            "python",
            f"{what}: there is no {python} on {name}",
            f'install it there (apt-get install python3), or name it: python = "…" of {name} in devices.toml',
        )
    if code is not None and code > SIGNALLED and code != SSH_FAILED:
        number = code - SIGNALLED
        word = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        memory = "; out of memory?" if word == "SIGKILL" else ""
        return DeviceError("killed", f"{what}: killed on {name} by {word}{memory}{quoted(said)}",
                           f"see what the device says: dmesg, free -m (on {name})")  # fmt: skip
    return None


LONGEST_LINE = 300


def quoted(said: str, lines: int = 6) -> str:
    """The last lines of an output, indented under a message."""
    kept = [line.rstrip()[:LONGEST_LINE] for line in said.replace("\r", "\n").splitlines() if line.strip(" @\t")]
    return "".join(f"\n    {line}" for line in kept[-lines:])
