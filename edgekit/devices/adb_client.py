"""Android's own program ``adb``: find it, call it, and explain why a phone cannot be used."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..base.clean import visible
from ..base.listener import gather
from ..base.progress import Progress, Step
from ..errors import LISTED, ToolError, shown
from .ssh_errors import DeviceError, quoted

ASK_S, CONNECT_S = 20.0, 30.0
"""Deadlines: of a question to adb or its server, and of a connection over TCP."""
NO_ADB = "apt-get install adb, or unpack Android's platform-tools and name the program: EDGEKIT_ADB=/…/adb"
LONGEST_SERIAL = 80
AGAIN = "plug it in again, or: adb reconnect offline"


def find_adb() -> str:
    """The program: ``$EDGEKIT_ADB``, else ``adb`` on the PATH.

    Raises:
        ToolError: there is none.
    """
    named = os.environ.get("EDGEKIT_ADB")
    found = shutil.which(named or "adb")
    if found is None:
        raise ToolError(f"EDGEKIT_ADB names {named}, which is not a program" if named else "there is no program adb",
                        NO_ADB)  # fmt: skip
    return found


@dataclass(frozen=True)
class Phone:
    """Which phone, by which adb server.

    Attributes:
        name: of the device, for messages.
        serial: as ``adb devices`` lists it: of a USB phone, or host:port.
        environment: what the client gets beside ours, such as ANDROID_ADB_SERVER_PORT.
    """

    name: str
    serial: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_network(self) -> bool:
        """True when adb has to connect to it before it is there."""
        return re.search(r":\d+$", self.serial) is not None

    def variables(self) -> dict[str, str]:
        """The environment of the client; no other serial may slip in."""
        kept = {key: value for key, value in os.environ.items() if key != "ANDROID_SERIAL"}
        return {**kept, **self.environment}

    def ask(self, *arguments: str, limit_s: float = ASK_S) -> tuple[int, str]:
        """Exit code of ``adb`` with ``arguments`` and all that it printed.

        Raises:
            DeviceError: it did not end in time.
        """
        done = gather([find_adb(), *arguments], limit_s, env=self.variables(), together=True)
        if done.code is None:
            message = f"adb {' '.join(arguments)} {done.excess or f'did not end within {limit_s:g} s'}"
            raise DeviceError("unreachable", message, "restart its server: adb kill-server")
        return done.code, visible(done.stdout.decode(errors="replace").strip())

    def connect(self, progress: Progress) -> None:
        """Make sure that adb sees the phone and may use it; reconnect once if the phone is offline.

        Raises:
            ToolError: there is no adb.
            DeviceError: the phone is not there, not allowed, offline, or too old.
        """
        code, said = self.ask("start-server", limit_s=CONNECT_S)
        if code:
            raise DeviceError("failed", f"adb's server does not start{quoted(said)}", "by hand: adb start-server")
        state = self.state() if not self.by_network else self.dial()
        if state == "offline":
            progress(Step(f"{self.name} is offline for adb: connecting anew"))
            if self.by_network:
                self.ask("disconnect", self.serial)
                state = self.dial()
            else:
                self.ask("-s", self.serial, "reconnect", "offline")
                self.ask("-s", self.serial, "wait-for-device", limit_s=CONNECT_S)
                state = self.state()
        if state != "device":
            raise self.refusal(state)
        _, features = self.ask("-s", self.serial, "features")
        if "shell_v2" not in features.split():
            raise DeviceError("shell", f"{self.name} speaks an adb without exit codes",
                              "edgekit needs Android 7 or later there")  # fmt: skip

    def dial(self) -> str:
        """Connect over TCP; the state then."""
        _, said = self.ask("connect", self.serial, limit_s=CONNECT_S)
        if re.search(r"^(already )?connected to", said):
            return self.state()
        if "failed to authenticate" in said:
            return "unauthorized"
        raise DeviceError("unreachable", f"{self.name} cannot be reached at {self.serial}{quoted(said)}",
                          "is adb on in its network? Wireless debugging, or once by cable: adb tcpip 5555")  # fmt: skip

    def state(self) -> str:
        """What adb says of it: ``device``, ``offline``, ``unauthorized``, ``recovery``, or ``missing``."""
        code, said = self.ask("-s", self.serial, "get-state")
        if code == 0:
            return said.splitlines()[-1].strip() if said else "missing"
        return next((word for word in ("offline", "unauthorized", "no permissions") if word in said), "missing")

    def refusal(self, state: str) -> DeviceError:
        """Why a phone in ``state`` cannot be used."""
        if state == "unauthorized":
            return DeviceError("auth", f"{self.name} does not trust this machine yet",
                               "unlock it and allow USB debugging in its dialogue; tick always")  # fmt: skip
        if state == "no permissions":
            return DeviceError("auth", f"adb may not open the USB device of {self.name}",
                               "apt-get install android-sdk-platform-tools-common, then plug it in again")  # fmt: skip
        if state == "offline":
            return DeviceError("unreachable", f"{self.name} is offline for adb, after connecting anew, too", AGAIN)
        if state == "missing":
            rows = [line.split() for line in self.ask("devices")[1].splitlines() if "\t" in line]
            there = [row[0] for row in rows if row]
            more = f" and {len(there) - LISTED} more" if len(there) > LISTED else ""
            names = ", ".join(name[:LONGEST_SERIAL] for name in there[:LISTED])
            others = f"adb sees {names}{more}" if there else "adb sees no device at all"
            hint = "plug it in and switch on USB debugging (Settings, Developer options)"
            if there:
                hint = f"correct its address in devices.toml; or {hint}"
            return DeviceError("unreachable", f"there is no {self.serial}, which is {self.name}; {others}", hint)
        return DeviceError("unreachable", f"{self.name} is in the state {shown(state)}", "start Android on it")
