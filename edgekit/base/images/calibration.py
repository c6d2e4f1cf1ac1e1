"""Check whether images are suitable for finding the ranges of int8."""

from __future__ import annotations

from ...errors import UsageError
from .pixels import Pixels

SATURATED = 0.25
"""Share of pixel values at 0 or 255 that causes a note; in edgekit's own photos it is at most a tenth."""


def check_calibration(pixels: Pixels) -> list[str]:
    """Doubts about calibration images, in words.

    Args:
        pixels: ``(N, H, W, 3)``.

    Raises:
        UsageError: every image is of a single colour: there is nothing to take a range from.
    """
    count = len(pixels)
    plain = int((pixels == pixels[:, :1, :1]).all(axis=(1, 2, 3)).sum())
    if plain == count:
        what = "image is" if count == 1 else f"images are {count}, each"
        raise UsageError(
            f"the calibration {what} of a single colour (first {pixels[0, 0, 0].tolist()}): int8 ranges cannot follow",
            "give --calibration with photos like those that the network is going to see",
        )
    doubts = []
    if plain:
        doubts.append(f"{plain} of {count} calibration images are of a single colour")
    if count > 1 and (pixels == pixels[:1]).all():
        doubts.append(f"the {count} calibration images are one and the same: the int8 ranges are those of one image")
    dark, bright = float((pixels == 0).mean()), float((pixels == 255).mean())
    if dark + bright >= SATURATED:
        doubts.append(
            f"{dark + bright:.0%} of the calibration images' values are saturated ({dark:.0%} at 0, {bright:.0%} at "
            "255): int8 ranges that follow from them may not fit other images"
        )
    return doubts
