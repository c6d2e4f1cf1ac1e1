"""What a run leaves behind in this process, on this machine and on a device."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from edgekit.base.progress import silent
from edgekit.base.scratch import SCRATCH
from edgekit.devices.reach import reach
from edgekit.devices.shell_machine import ShellMachine
from edgekit.types import Device

COUNT = 'find "$1" | wc -l'
"""Files and folders below a folder ($1)."""


@dataclass(frozen=True)
class Traces:
    """One look, between two runs.

    Attributes:
        rss_bytes: resident memory of this process.
        descriptors, threads, children: of this process.
        scratch: temporary folders of edgekit on this machine.
        there: files and folders of edgekit on the device; None for this machine, which keeps none.
    """

    rss_bytes: int
    descriptors: int
    threads: int
    children: int
    scratch: int
    there: int | None


def traces(device: Device) -> Traces:
    """Look at this process and at ``device``.

    Raises:
        ToolError: the device cannot be reached.
    """
    there = None
    if device.transport != "local":
        with reach(device, silent) as machine:
            assert isinstance(machine, ShellMachine), "a device behind a shell"
            there = int(machine.call("counting files", COUNT, machine.base))
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if ":" in line
    )
    names = os.listdir(tempfile.gettempdir())
    return Traces(
        rss_bytes=int(status["VmRSS"].split()[0]) * 1024,
        descriptors=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        children=len(children()),
        scratch=sum(SCRATCH.fullmatch(name) is not None for name in names),
        there=there,
    )


def children() -> list[int]:
    """Processes that this one has started and not waited for."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text(encoding="ascii").split()]
