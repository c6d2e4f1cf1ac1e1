"""Images in memory: the arrays of ``.npz`` files and data sets to a network's pixels, in one way for every reader.

An array is uint8, ``(N, H, W)`` or ``(N, H, W, 1)``, grey, or ``(N, H, W, 3)``, RGB. Images of another size than the
network's are stretched to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ToolError, UsageError
from ...types import Preprocessing
from ..distribution import install_command

Pixels = NDArray[np.uint8]
NPZ_HINT = "images are uint8 [N, H, W, 3] (RGB), [N, H, W, 1] or [N, H, W] (grey)"


def checked_images(array: NDArray[Any], source: str) -> Pixels:
    """The array itself.

    Raises:
        UsageError: another type or shape, or no image.
    """
    grey = array.ndim == 3
    if array.dtype != np.uint8 or not (grey or (array.ndim == 4 and array.shape[-1] in (1, 3))) or not array[:1].size:
        raise UsageError(f"{source} is {array.dtype} {list(array.shape)}", NPZ_HINT)
    return array


def fitted(array: Pixels, preprocessing: Preprocessing) -> Pixels:
    """Images as ``(N, height, width, channels)``, in the order of ``preprocessing.channels``."""
    images = array[..., None] if array.ndim == 3 else array
    size = preprocessing.size
    if preprocessing.channels == "L":
        images = as_grey(images) if images.shape[-1] == 3 else images
    elif images.shape[-1] == 1:
        images = np.repeat(images, 3, axis=-1)
    elif preprocessing.channels == "BGR":
        images = images[..., ::-1]
    if images.shape[1:3] != size:
        images = stretched(images, preprocessing)
    return np.ascontiguousarray(images)


def size_note(array: Pixels, preprocessing: Preprocessing) -> str:
    """What :func:`fitted` does to the size, in words; empty for nothing."""
    if array.shape[1:3] == preprocessing.size:
        return ""
    (height, width), (rows, columns) = array.shape[1:3], preprocessing.size
    return f"images of {height} x {width} are resized to the network's {rows} x {columns}"


def as_grey(images: Pixels) -> Pixels:
    """RGB to grey as Pillow does, ITU-R 601: ``(N, H, W, 3)`` to ``(N, H, W, 1)``."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    grey = ((images.astype(np.uint32) * weights).sum(-1, keepdims=True) + 0x8000) >> 16
    made: Pixels = grey.astype(np.uint8)
    return made


def stretched(images: Pixels, preprocessing: Preprocessing) -> Pixels:
    """Every image at the network's size, ``(N, H, W, C)``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolError("resizing images needs Pillow", install_command("run")) from error
    height, width = preprocessing.size
    method = Image.Resampling[preprocessing.interpolation.upper()]
    grey = images.shape[-1] == 1
    planes = (image[..., 0] if grey else np.ascontiguousarray(image) for image in images)
    made = [np.asarray(Image.fromarray(plane).resize((width, height), method)) for plane in planes]
    return np.stack(made).reshape(len(images), height, width, images.shape[-1])
