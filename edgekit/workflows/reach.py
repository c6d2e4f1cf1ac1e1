"""From a device to an open way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..bench.launch import ThisMachine, Transport
from ..devices import virtual
from ..devices.inventory import find_device
from ..devices.labgrid import holding
from ..devices.ssh import SshMachine, Target
from ..devices.ssh_config import chosen_config
from ..devices.virtual_build import cache_folder
from ..errors import UsageError
from ..types import Device

OnStep = Callable[[str], None]


@contextmanager
def reach(device: Device, on_step: OnStep) -> Iterator[Transport]:
    """The way to ``device``, ours alone until the block ends; an emulated board is built and started first.

    Its labgrid place, if it has one, is acquired before and released after.

    Raises:
        ToolError: it cannot be reached, is in use, or cannot be built here.
    """
    with holding(device, on_step) as held:
        if held.transport == "local":
            yield ThisMachine()
        else:
            on_step(f"connecting to {held.id}")
            with SshMachine(target_of(held, on_step)) as machine:
                yield machine


def target_of(device: Device, on_step: OnStep) -> Target:
    """How ssh reaches ``device``."""
    if device.transport == "virtual":
        return virtual.prepare(device.id, on_step)
    if device.transport == "ssh":
        assert device.address is not None
        return Target(
            name=device.id,
            host=device.address,
            user=device.user,
            port=device.port,
            python=device.python or "python3",
            config=chosen_config(),
        )
    raise UsageError(f"device {device.id!r} is reached by {device.transport}, which this version cannot do yet")


def what_is_built_first(name: str) -> str | None:
    """What measuring on the device ``name`` builds before it begins, in words; None when nothing is missing.

    Raises:
        UsageError: there is no device of that name.
    """
    if find_device(name).transport != "virtual" or virtual.is_built():
        return None
    return (
        f"{name} is not built yet: downloading an arm64 Debian 12, Python and the runtimes (about 150 MB, 420 MB "
        f"unpacked) to {cache_folder()}; once for all emulated boards"
    )
