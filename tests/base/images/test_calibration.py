"""Images that int8 ranges cannot, or should not, be taken from."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.base.images.calibration import check_calibration
from edgekit.base.images.pixels import load_pixels
from edgekit.catalog import find_card
from edgekit.errors import UsageError


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 255, (count, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("value", [0, 255, 90, (255, 0, 0)])
def test_single_colour_is_refused(value):
    pixels = np.broadcast_to(np.uint8(value), (4, 8, 8, 3))
    with pytest.raises(UsageError, match="images are 4, each of a single colour"):
        check_calibration(pixels)
    with pytest.raises(UsageError, match="the calibration image is of a single colour"):
        check_calibration(pixels[:1])


def test_different_single_colours_are_refused():
    pixels = noise(5)
    pixels[:] = pixels[:, :1, :1]
    with pytest.raises(UsageError, match="each of a single colour"):
        check_calibration(pixels)


def test_what_is_doubtful_is_said():
    one_plain = noise(4)
    one_plain[2] = 7
    assert check_calibration(one_plain) == ["1 of 4 calibration images are of a single colour"]
    (repeated,) = check_calibration(np.repeat(noise(1), 6, axis=0))
    assert repeated.startswith("the 6 calibration images are one and the same")
    bright = noise(4)
    bright[0] = 255
    bright[1] = 0
    bright[0, 0, 0] = bright[1, 0, 0] = 3
    (saturated,) = check_calibration(bright)
    assert saturated.startswith("49% of the calibration images' values are saturated (25% at 0, 25% at 255)")


@pytest.mark.parametrize("source", [None, "synthetic"])
def test_own_images_are_fit(source):
    assert check_calibration(load_pixels(source, find_card("mobilenet_v2_1.0").preprocessing)[0]) == []


def test_one_image_is_enough():
    assert check_calibration(noise(1)) == []
