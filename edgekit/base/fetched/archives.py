"""Archives that strangers may have written: what they unpack to is bounded before memory is taken for it."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from ..files import check_regular

FREE_BYTES = 256 << 20
"""Bytes that any archive may unpack to."""
RATIO = 50
"""A larger archive may unpack to this many times its own size; deflate reaches a thousand only on zeros."""
CHUNK = 1 << 20
PREFIX = np.lib.format.MAGIC_PREFIX
VERSIONS = ((1, 0), (2, 0), (3, 0))


def members(path: Path) -> tuple[str, ...] | None:
    """The names in a zip archive; None for any other file, a damaged one, and one that cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return None


def most_of(size: int) -> int:
    """Bytes that an archive of ``size`` bytes may unpack to."""
    return max(FREE_BYTES, RATIO * size)


def read_gzip(path: Path) -> bytes:
    """What a gzip file holds.

    Raises:
        ValueError: it unpacks to far more than it seems to hold.
        OSError, EOFError, zlib.error: it cannot be read, is cut, or is no gzip file.
        UsageError: there is something else than a file.
    """
    size = check_regular(path).stat().st_size
    content = bytearray()
    with gzip.open(path) as stream:
        while chunk := stream.read(CHUNK):
            content += chunk
            if len(content) > most_of(size):
                raise ValueError(f"its {size / 1e6:.1f} MB unpack to more than {most_of(size) / 1e9:.1f} GB")
    return bytes(content)


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
    if unpacked > most_of(size):
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
                with archive.open(member) as stream:
                    check_array(stream, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def check_array(stream: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Compare an array's shape with its bytes; objects are the reader's to refuse.

    NumPy takes whatever begins as an array does for one, so its name says nothing.

    Raises:
        ValueError: it says that it has more, or is called an array and is none.
    """
    begin = stream.read(len(PREFIX) + 2)
    if begin[: len(PREFIX)] != PREFIX:
        if member.filename.endswith(".npy"):
            raise ValueError(f"{member.filename} does not begin as an array of NumPy's")
        return
    version = tuple(begin[len(PREFIX) :])
    if version not in VERSIONS:
        raise ValueError(f"{member.filename} is an array of the unknown version {version}")
    # The third version differs from the second in how the names of fields are written.
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    said = math.prod(map(int, shape)) * dtype.itemsize
    if not dtype.hasobject and said > member.file_size:
        raise ValueError(f"{member.filename} is {dtype} {list(shape)}, and {member.file_size} bytes are there")
