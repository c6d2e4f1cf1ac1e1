"""From the name of a device to the device."""

from __future__ import annotations

from ..errors import UsageError, did_you_mean
from ..types import Device
from .entries import project_file, read_entries, user_file
from .local import LOCAL
from .ssh_config import host_aliases
from .virtual_boards import VIRTUAL

BUILT_IN = {LOCAL.id: LOCAL, **{name: board.device for name, board in VIRTUAL.items()}}
"""Devices that need no entry; an entry cannot take their names."""


def find_device(name: str) -> Device:
    """The device of a name: built in, an entry of ``devices.toml``, or a Host alias of the SSH configuration.

    Raises:
        UsageError: there is no device of that name.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    entries = read_entries()
    if name in entries:
        return entries[name][0]
    aliases = host_aliases()
    if name in aliases:
        return Device(id=name, transport="ssh", address=name)
    offer = f"virtual-{name}" if f"virtual-{name}" in VIRTUAL else next(iter(VIRTUAL))
    near = did_you_mean(name, {*BUILT_IN, *entries, *aliases} - {offer})
    raise UsageError(
        f"unknown device {name!r}: it is not in {project_file()} or {user_file()}, and no Host of the SSH config",
        f"{near + ' ' if near.startswith('did') else ''}add it: edgekit devices add {name} USER@ADDRESS; "
        f"or use the emulated board: --device {offer}; or this machine: --device {LOCAL.id}",
    )
