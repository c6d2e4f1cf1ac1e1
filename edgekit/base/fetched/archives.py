"""Archives that strangers may have written: their unpacked size is checked before they are unpacked."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

FREE_BYTES = 256 << 20
"""Bytes that any archive may unpack to."""
RATIO = 50
"""A larger archive may unpack to this many times its own size; deflate reaches a thousand only on zeros."""


def members(path: Path) -> tuple[str, ...] | None:
    """The names in a zip archive; None for any other file, a damaged one, and one that cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return None


def check_archive(path: Path) -> None:
    """Make sure that a zip archive unpacks to about what it seems to hold; any other file is left alone.

    Raises:
        ValueError: it does not.
        OSError: it cannot be read.
    """
    if not zipfile.is_zipfile(path):
        return
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
    if unpacked > max(FREE_BYTES, RATIO * size):
        raise ValueError(f"its {size / 1e6:.1f} MB would unpack to {unpacked / 1e9:.1f} GB")


def check_npz(path: Path) -> None:
    """Make sure that the arrays of a ``.npz`` file are as large as they say, before memory is taken for them.

    Raises:
        ValueError: one is not, or the file is damaged.
        OSError: it cannot be read.
    """
    check_archive(path)
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    with archive.open(member) as stream:
                        check_array(stream, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def check_array(stream: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Compare an array's shape with its bytes; objects and later versions are the reader's to refuse.

    Raises:
        ValueError: it says that it has more, or its beginning is not NumPy's.
    """
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        return
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    said = math.prod(map(int, shape)) * dtype.itemsize
    if not dtype.hasobject and said > member.file_size:
        raise ValueError(f"{member.filename} is {dtype} {list(shape)}, and {member.file_size} bytes are there")
