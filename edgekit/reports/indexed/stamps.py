"""Which files a store has, and by what a change of one shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..store import HISTORY


class Stamp(NamedTuple):
    """Size and times of a file. The time of its last change of any kind cannot be set back by hand."""

    size: int
    mtime_ns: int
    ctime_ns: int


def stamps(root: Path, *, history: bool) -> dict[str, Stamp]:
    """The measurements under ``root`` by name: of the latest ones ``device/file``, of the history what lies there.

    Raises:
        OSError: a folder cannot be listed.
    """
    found = {}
    for device in entries(root):
        if device.is_dir():
            for entry in entries(Path(device.path)):
                if entry.name.endswith(".json"):
                    found[f"{device.name}/{entry.name}"] = stamp(entry)
                elif history and entry.name == HISTORY and entry.is_dir():
                    for key in entries(Path(entry.path)):
                        if key.is_dir():
                            for file in entries(Path(key.path)):
                                if file.name.endswith(".json"):
                                    found[f"{device.name}/{HISTORY}/{key.name}/{file.name}"] = stamp(file)
    return found


def is_latest(name: str) -> bool:
    """True for a name outside the history."""
    return name.count("/") == 1


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as listed:
            yield from listed
    except (FileNotFoundError, NotADirectoryError):
        return


def stamp(entry: os.DirEntry[str]) -> Stamp:
    """Of the file itself, behind a link too; of the link where it leads nowhere."""
    try:
        found = entry.stat()
    except OSError:
        found = entry.stat(follow_symlinks=False)
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns)
