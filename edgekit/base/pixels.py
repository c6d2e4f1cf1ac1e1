"""Photos to network inputs: load, resize, crop, normalise; and back from an artifact's input and output types.

Pixels are uint8 ``(N, H, W, 3)`` in the order of ``Preprocessing.channels``.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ToolError, UsageError
from ..types import ImageSet, Preprocessing, TensorSpec
from .distribution import install_command
from .photo_files import find_photos

Pixels = NDArray[np.uint8]
Array = NDArray[Any]

MAX_IMAGES = 256
SYNTHETIC_COUNT = 16
BUNDLED = Path(str(files("edgekit"))) / "calibration_photos"


def load_pixels(source: str | None, preprocessing: Preprocessing) -> tuple[Pixels, ImageSet]:
    """Images for calibration or parity.

    Args:
        source: a folder of images, an ``.npz`` file with an array ``images`` (uint8, ``(N, H, W, 3)``, at the crop
            size), ``"synthetic"`` for seeded noise, or None for the bundled photos. A folder of more than
            ``MAX_IMAGES`` files is sampled evenly.
        preprocessing: says the size and the channel order.

    Raises:
        UsageError: nothing there, no image in it, a broken image, a wrong array.
    """
    if source is None:
        pixels, kind, name = from_folder(BUNDLED, preprocessing), "bundled", "edgekit's bundled photos"
    elif source == "synthetic":
        size = preprocessing.crop
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (SYNTHETIC_COUNT, size, size, 3), dtype=np.uint8)
        kind, name = "synthetic", "uniform noise, seed 0"
    elif source.endswith(".npz"):
        pixels, kind, name = from_npz(Path(source), preprocessing), "npz", source
    else:
        pixels, kind, name = from_folder(Path(source), preprocessing), "folder", source
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return pixels, ImageSet(kind=kind, source=name, count=len(pixels), sha256=digest)  # type: ignore[arg-type]


def source_digest(source: str | None) -> str:
    """SHA-256 over the files that :func:`load_pixels` would read, without decoding them; ``synthetic`` is itself.

    Raises:
        UsageError: nothing there.
    """
    if source == "synthetic":
        return source
    if source is not None and source.endswith(".npz"):
        paths = [Path(source)]
        if not paths[0].is_file():
            raise UsageError(f"no file at {source}", "give a folder, an .npz file or the word synthetic")
    else:
        paths = image_files(BUNDLED if source is None else Path(source))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def image_files(folder: Path) -> list[Path]:
    """The image files below a folder, sorted, at most ``MAX_IMAGES`` of them, evenly spaced.

    Raises:
        UsageError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of images at {folder}", "give a folder, an .npz file or the word synthetic")
    found = find_photos(folder).paths
    step = max(1.0, len(found) / MAX_IMAGES)
    return [found[int(i * step)] for i in range(min(len(found), MAX_IMAGES))]


def from_folder(folder: Path, preprocessing: Preprocessing) -> Pixels:
    """Every image of a folder, resized and cropped."""
    return np.stack([load_image(path, preprocessing) for path in image_files(folder)])


def load_image(path: Path, preprocessing: Preprocessing) -> Pixels:
    """One image as ``(crop, crop, 3)``: short side to ``resize``, then the centre.

    Raises:
        UsageError: the file is not a whole image.
        ToolError: Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ToolError("reading images needs Pillow", install_command("run")) from error
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{path} is not a readable image: {error}", "remove it or replace it") from error
    width, height = image.size
    scale = preprocessing.resize / min(width, height)
    width = max(preprocessing.crop, round(width * scale))
    height = max(preprocessing.crop, round(height * scale))
    method = Image.Resampling.BICUBIC if preprocessing.interpolation == "bicubic" else Image.Resampling.BILINEAR
    image = image.resize((width, height), method)
    left, top = (width - preprocessing.crop) // 2, (height - preprocessing.crop) // 2
    array = np.asarray(image.crop((left, top, left + preprocessing.crop, top + preprocessing.crop)))
    return array if preprocessing.channels == "RGB" else array[..., ::-1]


def from_npz(path: Path, preprocessing: Preprocessing) -> Pixels:
    """The array ``images`` of an ``.npz`` file.

    Raises:
        UsageError: missing or broken file, no such array, wrong type or shape.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("images.npy") as stream:
            images = np.lib.format.read_array(stream, allow_pickle=False)
    except KeyError as error:
        raise UsageError(f"{path} holds no array named images", "np.savez(FILE, images=...)") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"cannot read {path}: {error}", "write it again: np.savez(FILE, images=...)") from error
    size = preprocessing.crop
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (size, size, 3) or len(images) == 0:
        raise UsageError(
            f"{path}: images is {images.dtype} {list(images.shape)}", f"it must be uint8 [N, {size}, {size}, 3]"
        )
    chosen: Pixels = images[:MAX_IMAGES]
    return chosen


def normalise(pixels: Pixels, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Pixels to the network's float input, ``(N, 3, H, W)``: ``(pixel / 255 - mean) / std``."""
    mean = np.asarray(preprocessing.mean, np.float32)
    std = np.asarray(preprocessing.std, np.float32)
    scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def to_input(pixels: Pixels, spec: TensorSpec) -> Array:
    """Pixels to what an artifact takes, ``(N, *spec.shape[1:])`` in its layout and type."""
    assert spec.preprocessing is not None
    if spec.preprocessing.baked:
        nchw: Array = pixels.transpose(0, 3, 1, 2)
    else:
        nchw = normalise(pixels, spec.preprocessing)
        if spec.quantization is not None:
            limits = np.iinfo(spec.dtype)
            stored = np.round(nchw / np.float32(spec.quantization.scale)) + spec.quantization.zero_point
            nchw = np.clip(stored, limits.min, limits.max).astype(spec.dtype)
    return np.ascontiguousarray(nchw.transpose(0, 2, 3, 1) if spec.layout == "NHWC" else nchw)


def from_output(stored: Array, spec: TensorSpec) -> NDArray[np.float32]:
    """An artifact's output as real numbers."""
    if spec.quantization is None:
        return stored.astype(np.float32)
    return (stored.astype(np.float32) - np.float32(spec.quantization.zero_point)) * np.float32(spec.quantization.scale)
