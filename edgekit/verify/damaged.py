"""Model files that are none by their first bytes: a page, a pointer of Git LFS, half a download.

Runtimes refuse them too, and a runtime that fails is no fault of the user's file.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..types import Format

LFS = b"version https://git-lfs"
TFLITE = b"TFL3"
"""At the fifth byte of every TFLite file."""
BEGINNING = 4096
SOURCE = "take the file from its source once more"


def check_beginning(path: Path, format_: Format) -> None:
    """Refuse a file that no runtime of its format can open.

    Raises:
        UsageError: it is none of the format.
    """
    with path.open("rb") as stream:
        start = stream.read(BEGINNING)
    if start.startswith(LFS):
        raise UsageError(f"{path} is a pointer of Git LFS, not the file itself", "fetch it: git lfs pull")
    size = path.stat().st_size
    if format_ == "tflite" and start[4:8] != TFLITE:
        raise UsageError(f"{path} ({size} bytes) is no TFLite model", SOURCE)
    if format_ == "openvino" and b"<net" not in start:
        raise UsageError(f"{path} ({size} bytes) is no OpenVINO model: its XML has no <net>", SOURCE)


def cut(path: Path, format_: Format, said: str) -> UsageError | None:
    """The error for a file that begins as its format does and is not whole, by what its runtime said; else None."""
    if format_ == "tflite" and "not a valid Flatbuffer" in said:
        return UsageError(f"{path} ({path.stat().st_size} bytes) is no whole TFLite model", SOURCE)
    return None
