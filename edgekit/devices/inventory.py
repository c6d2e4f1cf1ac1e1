"""From the name of a device to the device."""

from __future__ import annotations

from ..errors import UsageError, did_you_mean
from ..types import Device
from .local import LOCAL

DEVICES = {LOCAL.id: LOCAL}


def find_device(name: str) -> Device:
    """The device of a name; ``local`` is this machine.

    Raises:
        UsageError: there is no device of that name.
    """
    if name in DEVICES:
        return DEVICES[name]
    near = did_you_mean(name, DEVICES)
    raise UsageError(
        f"unknown device {name!r}",
        f"{near + '; ' if near else ''}to measure on another machine, copy the artifacts to it, install edgekit there "
        f"and run: edgekit profile --device {LOCAL.id}",
    )
