"""``devices.toml``: one table per device, in the project folder, then in the user's.

::

    [rpi4]
    transport = "ssh"            # the default
    address = "192.168.1.20"     # or a Host alias of the SSH config
    user = "pi"
    python = "/home/pi/edgekit/bin/python"
    board = "rpi4"
    tags = ["lab"]
    labgrid = "rack-rpi4"        # acquired first, see docs/how-to/labgrid.md; it may tell the address
    coordinator = "lab:20408"    # default: LG_COORDINATOR
    wait_s = 600                 # for others to release it; default: no time
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.files import write_atomic
from ..catalog import explain, read_toml, user_folder
from ..errors import UsageError
from ..types import Device
from .boards import find_board

NAME = "devices.toml"


def project_file() -> Path:
    """The inventory of the project in the current folder."""
    return Path(NAME)


def user_file() -> Path:
    """The user's own inventory."""
    return user_folder() / NAME


def read_entries() -> dict[str, tuple[Device, Path]]:
    """Every device that a ``devices.toml`` describes, with that file; the project's win.

    Raises:
        UsageError: a file is not TOML, or an entry has an unknown key, a wrong value or an unknown board.
    """
    found: dict[str, tuple[Device, Path]] = {}
    for path in (project_file(), user_file()):
        if os.path.lexists(path):
            for name, table in read_toml(path).items():
                found.setdefault(name, (parse_entry(path, name, table), path))
    return found


def parse_entry(path: Path, name: str, table: Any) -> Device:
    """One table as a device."""
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name!r} stands outside a table", "begin each device with a line such as [rpi4]")
    if "id" in table:
        raise UsageError(f"{path}: unknown key '{name}.id'", "the name in brackets is the device's id")
    try:
        device = Device.from_plain(json.loads(json.dumps({"transport": "ssh", **table, "id": name}, default=str)))
    except ValidationError as error:
        problem = explain(path, Device, error)
        raise UsageError(f"{problem} (device {name!r})", problem.hint) from error
    if device.board is not None:
        find_board(device.board)
    return device


def add_entry(path: Path, device: Device) -> None:
    """Append ``device`` to ``path``, which is made when it is not there.

    Raises:
        UsageError: the file has a device of that name, or is not valid.
    """
    if os.path.lexists(path) and device.id in read_toml(path):
        raise UsageError(f"{path} has a device {device.id!r} already", f"edgekit devices remove {device.id}")
    keys = device.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)
    # A JSON string, number or list of strings is TOML as well.
    name = device.id if re.fullmatch(r"[A-Za-z0-9_-]+", device.id) else json.dumps(device.id)
    lines = [f"[{name}]", *(f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in keys.items())]
    before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if os.path.lexists(path) else ""
    write_atomic(path, (before + "\n".join(lines) + "\n").lstrip("\n"))


def remove_entry(path: Path, name: str) -> None:
    """Take the table of ``name`` out of ``path``; all else, comments too, stays as it is.

    Raises:
        UsageError: the table is written in a way that cannot be cut out line by line.
    """
    text = path.read_text(encoding="utf-8")
    header = re.compile(rf"\s*\[\s*(?P<quote>[\"']?){re.escape(name)}(?P=quote)\s*\]\s*(#.*)?")
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = header.fullmatch(line.rstrip()) is not None
        if not inside:
            kept.append(line)
    left = "".join(kept)
    expected = {key: table for key, table in read_toml(path).items() if key != name}
    try:
        exact = tomllib.loads(left) == expected
    except tomllib.TOMLDecodeError:
        exact = False
    if not exact:
        raise UsageError(f"the table of {name!r} in {path} is not written as [{name}] and lines below it",
                         "take it out by hand")  # fmt: skip
    write_atomic(path, left)
