"""A phone without Python as a transport: the agent runs here and has ``benchmark_model`` run there."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ...base.files import sha256_file
from ...bench.agent_archive import AGENT_FILE
from ...errors import EdgekitError
from ..adb import AdbMachine


class NativePhone:
    """Files go to the phone; the agent and its request stay here.

    Attributes:
        runner: the ``benchmark_model`` for the phone's processor, a file here.
        version: what names it in a measurement: it does not tell a version itself.
    """

    mark = b""

    def __init__(self, machine: AdbMachine, runner: Path, named: str = "benchmark_model") -> None:
        self.machine = machine
        self.runner = runner
        self.version = f"{named} sha256:{sha256_file(runner)[:12]}"
        self.where = ""

    def deliver(self, files: Sequence[Path]) -> list[str]:
        """As :class:`AdbMachine`, but the agent and its request need not travel."""
        if files[0].name != AGENT_FILE:
            return self.machine.deliver(files)
        request = json.loads(files[1].read_text())
        files[1].write_text(json.dumps({**request, "runner_version": self.version}))
        return [str(path) for path in files]

    def command(self, program: str, argument: str) -> list[str]:  # noqa: ARG002
        """The agent of phones, on this machine; ``program`` is the other agent, which is not needed."""
        (runner,) = self.machine.deliver([self.runner])
        way = json.dumps(self.machine.way)
        return [sys.executable, "-P", "-m", "edgekit.devices.phone.agent", argument, runner, way]

    def place(self, here: Path) -> str:
        """As :class:`AdbMachine`."""
        return self.machine.place(here)

    def fetch(self, there: str, here: Path) -> None:
        """As :class:`AdbMachine`."""
        self.machine.fetch(there, here)

    def explain(self, what: str, code: int | None, said: str) -> EdgekitError | None:
        """As :class:`AdbMachine`."""
        return self.machine.explain(what, code, said)
