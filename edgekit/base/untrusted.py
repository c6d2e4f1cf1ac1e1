"""Reading files that strangers may have written: bounded, and refused in words whatever is in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .files import check_regular
from .processes.posix import OWN, WAITS_FOR_NOTHING

LARGEST_BYTES = 64_000_000
"""More than any measurement, manifest or pin: it must not fill the memory."""


def read_text(path: Path, remedy: str, largest: int = LARGEST_BYTES, what: str = "text") -> str:
    """The text of a file.

    Args:
        path: the file.
        remedy: what to do about one that cannot be used.
        largest: bytes that it may have.
        what: it is to be, for the error.

    Raises:
        UsageError: it cannot be read, is no file, is too large or no UTF-8.
    """
    try:
        content = read_bounded(check_regular(path), largest)
        if len(content) > largest:
            size = max(len(content), path.stat().st_size)
            raise UsageError(f"{path} is not {what}: it has {size / 1e6:.0f} MB, over {largest / 1e6:g}", remedy)
        text = content.decode("utf-8-sig")  # editors of Windows put a mark in front
        return text.replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", remedy) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not {what}: {error}", remedy) from error


def read_bounded(path: Path, largest: int) -> bytes:
    """The bytes of a file, at most one more than ``largest``: it may grow while it is read, or never end.

    Raises:
        OSError: it cannot be read, or would keep its reader waiting.
    """
    with open(os.open(path, os.O_RDONLY | OWN | WAITS_FOR_NOTHING), "rb") as stream:  # noqa: PTH123 - of a descriptor
        return stream.read(largest + 1)


def read_json(path: Path, remedy: str, largest: int = LARGEST_BYTES) -> Any:
    """The value of a JSON file.

    Raises:
        UsageError: see :func:`read_text`; or it is no JSON, or nested too deeply.
    """
    text = read_text(path, remedy, largest, "JSON")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UsageError(f"{path} is not JSON that can be read: it is nested too deeply", remedy) from error
    except ValueError as error:  # a number of thousands of digits, too
        raise UsageError(f"{path} is not JSON: {error}", remedy) from error
