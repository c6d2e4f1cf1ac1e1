"""A transport: this machine, at a low priority. Others run a program in a container, or by a lab's own tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgekit.base.progress import Progress, Step
from edgekit.bench.launch import ThisMachine
from edgekit.types import Device


class Gentle(ThisMachine):
    """Runs the agent by ``nice``."""

    def command(self, program: str, argument: str) -> list[str]:
        """The command line, to be run here."""
        return ["nice", "-n", "10", *super().command(program, argument)]


@contextmanager
def gentle(device: Device, progress: Progress) -> Iterator[Gentle]:
    """The way to ``device``, ours until the block ends."""
    progress(Step(f"{device.id} measures gently"))
    yield Gentle(device.python)
