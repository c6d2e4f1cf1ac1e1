"""One photo file to 8-bit pixels, as Pillow's ``convert`` gives them, and notes about unusual ones.

Turned as its EXIF data says: the network is going to see upright pictures. Transparency is dropped, as torchvision's
loader drops it; 16 bits are scaled to 8. Of several pictures in a file the first is taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...errors import ToolError, UsageError
from ..distribution import install_command

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")
OF_16_BIT = ("PNG", "PPM")
"""Formats of which some Pillow versions read 16-bit grey as 32-bit numbers (mode ``I``)."""
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What photos are. Pillow goes by the content, whatever a file is called, and knows forty more: for one of them, EPS,
it starts Ghostscript, which runs what the file holds.
"""
LOOKED_AT = 5000
"""Most photos that are opened for the notes on a training set: opening a million takes minutes."""
LARGEST = 1 << 28
"""Pixels of a photo after resizing: a strip of one by 100,000 pixels must not fill the memory."""


def decode(path: Path, mode: Literal["RGB", "L"]) -> Image.Image:
    """The photo of a file, upright, in colour or grey.

    Raises:
        UsageError: the file is not a whole image, too large, or of numbers whose range is not known.
        ToolError: Pillow is not installed.
    """
    with opened(path) as image:
        turn_upright(image)
        if image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in OF_16_BIT):
            return eight_bit(image).convert(mode)
        if image.mode in ("I", "F"):
            kind = "whole numbers of 32 bits" if image.mode == "I" else "float32 numbers"
            raise UsageError(f"{path} holds {kind}, whose range is not known", "save it with 8 or 16 bits a channel")
        return image.convert(mode)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The file as Pillow opens it, without Pillow's own warnings about large photos and broken extra data."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ToolError("reading images needs Pillow", install_command("run")) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            Image.init()
            known = [name for name in FORMATS if name in Image.OPEN]  # a Pillow may lack AVIF
            with Image.open(path, formats=known) as image:
                yield image
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise UsageError(
            f"{path} is not a readable image: it has more than {most} million pixels", "scale it down or remove it"
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{path} is not a readable image: {error}", "remove it or replace it") from error


def turn_upright(image: Image.Image) -> None:
    """Turn the picture in place as its EXIF data says; where they cannot be read there is nothing to turn by."""
    from PIL import ImageOps

    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ArithmeticError):
        return


def eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey: the upper byte, as Pillow takes it of 16-bit colour."""
    from PIL import Image

    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))


def photo_notes(paths: Sequence[Path]) -> tuple[str, ...]:
    """Notes about photos, from their headers alone: rotated, transparent, 16 bits, several in a file.

    Of very many, a sample is opened, evenly spaced. A file that cannot be opened is skipped; :func:`decode` says what
    is wrong with it.
    """
    turned = transparent = deep = several = 0
    looked_at = paths[:: 1 + (len(paths) - 1) // LOOKED_AT] if paths else ()
    of_all = f"of {len(looked_at)} images{'' if len(looked_at) == len(paths) else ' that were looked at'}"
    for path in looked_at:
        try:
            with opened(path) as image:
                turned += is_turned(image)
                # LAB has a colour of the name A.
                transparent += image.getbands()[-1] in ("A", "a") or "transparency" in image.info
                several += getattr(image, "is_animated", False)
                deep += image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in OF_16_BIT)
        except UsageError:
            continue
    notes = []
    if turned:
        notes.append(
            f"{turned} {of_all} are turned upright as their EXIF data says (torchvision's ImageFolder leaves "
            "them lying)"
        )
    if transparent:
        notes.append(f"{transparent} {of_all} have transparency: it is dropped, and the colours below it show")
    if several:
        notes.append(f"{several} {of_all} have several frames or pages: the first is taken")
    if deep:
        notes.append(f"{deep} {of_all} have 16 bits a pixel: scaled, 65535 becomes 255")
    return tuple(notes)


def is_turned(image: Image.Image) -> bool:
    """True where the EXIF data of an image that was just opened asks for a turn."""
    if "exif" not in image.info and image.format in ("PNG", "GIF", "BMP", "PPM"):
        return False  # looking for it would read the whole picture
    try:
        return image.getexif().get(ORIENTATION, 1) in range(2, 9)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ArithmeticError):
        return False
