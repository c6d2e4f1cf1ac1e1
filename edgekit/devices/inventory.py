"""From the name of a device to the device."""

from __future__ import annotations

from ..errors import UsageError, did_you_mean
from ..types import Device
from .entries import project_file, read_entries, user_file
from .local import LOCAL
from .ssh_config import host_aliases
from .virtual.boards import VIRTUAL
from .virtual.simulated import SIMULATED, device_of

BUILT_IN = {
    LOCAL.id: LOCAL,
    **{name: board.device for name, board in VIRTUAL.items()},
    **{name: device_of(board) for name, board in SIMULATED.items()},
}
"""Devices that need no entry; an entry cannot take their names."""


def device_ids() -> list[str]:
    """Every name that ``--device`` takes, tags aside.

    Raises:
        UsageError: a ``devices.toml`` cannot be read.
    """
    return list(dict.fromkeys([*BUILT_IN, *read_entries(), *host_aliases()]))


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


def find_devices(names: str) -> list[Device]:
    """The devices that ``--device`` means: names and tags, separated by commas, each device once, in order.

    A name takes precedence over a tag of the same spelling.

    Raises:
        UsageError: one of them is neither.
    """
    tagged: dict[str, list[Device]] = {}
    for device, _ in read_entries().values():
        for tag in device.tags:
            tagged.setdefault(tag, []).append(device)
    found: dict[str, Device] = {}
    for word in (word.strip() for word in names.split(",")):
        if not word:
            raise UsageError(f"--device {names!r} has an empty name", "separate names by single commas: --device a,b")
        try:
            meant = [find_device(word)]
        except UsageError:
            if word not in tagged:
                raise
            meant = tagged[word]
        found |= {device.id: device for device in meant}
    return list(found.values())
