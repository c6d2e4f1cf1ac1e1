"""Photos to network inputs: load, resize, crop, normalise; and back from an artifact's input and output types.

Pixels are uint8 ``(N, H, W, C)`` in the order of ``Preprocessing.channels``, equal to those of torchvision's ``Resize``
and ``CenterCrop`` on Pillow images.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...types import ImageSet, Preprocessing, TensorSpec
from ..fetched.archives import check_npz
from ..files import sha256_file
from .decode import LARGEST, decode, photo_notes
from .image_arrays import NPZ_HINT, checked_images, fitted, size_note
from .npz_rows import read_rows
from .photo_files import find_photos

Pixels = NDArray[np.uint8]
Array = NDArray[Any]

Each = Callable[[int, int], None]

MAX_IMAGES = 256
"""Images that calibrate or verify, and so what memory they take: 39 MB of pixels at 224 x 224."""
SYNTHETIC_COUNT = 16
BUNDLED = Path(str(files("edgekit"))) / "calibration_photos"


def load_pixels(
    source: str | None, preprocessing: Preprocessing, array: str = "images", each: Each | None = None
) -> tuple[Pixels, ImageSet]:
    """Images for calibration or parity.

    Args:
        source: a folder of images, an ``.npz`` file with an array ``images`` (see ``image_arrays``), ``"synthetic"``
            for seeded noise, or None for the bundled photos. Of more than ``MAX_IMAGES`` images some are taken evenly.
        preprocessing: says the size and the channel order.
        array: of the ``.npz`` file, which holds the images.
        each: told how many of a folder's images are read, and of how many.

    Raises:
        UsageError: nothing there, no image in it, a broken image, a wrong array.
    """
    notes: tuple[str, ...] = ()
    if source is None:
        (pixels, given, notes), kind, name = from_folder(BUNDLED, preprocessing), "bundled", "edgekit's bundled photos"
    elif source == "synthetic":
        rng = np.random.default_rng(0)
        shape = (SYNTHETIC_COUNT, *preprocessing.size, len(preprocessing.mean))
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        kind, name, given = "synthetic", "uniform noise, seed 0", SYNTHETIC_COUNT
    elif source.endswith(".npz"):
        (pixels, given, notes), kind, name = from_npz(Path(source), preprocessing, array), "npz", source
    else:
        (pixels, given, notes), kind, name = from_folder(Path(source), preprocessing, each), "folder", source
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    found = ImageSet(kind=kind, source=name, count=len(pixels), given=given, sha256=digest, notes=notes)  # type: ignore[arg-type]
    return pixels, found


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
        paths, _, _ = image_files(BUNDLED if source is None else Path(source))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(bytes.fromhex(sha256_file(path)))
    return digest.hexdigest()


def image_files(folder: Path) -> tuple[list[Path], int, tuple[str, ...]]:
    """At most ``MAX_IMAGES`` of the photos below a folder, sorted, evenly spaced; how many it holds; notes in words.

    Raises:
        UsageError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of images at {folder}", "give a folder, an .npz file or the word synthetic")
    found = find_photos(folder)
    count = len(found.paths)
    return [found.paths[index] for index in evenly(count)], count, (*found.notes, *sample_notes(count))


def evenly(count: int) -> list[int]:
    """Indices of at most ``MAX_IMAGES`` of ``count`` images, evenly spaced."""
    step = max(1.0, count / MAX_IMAGES)
    return [int(index * step) for index in range(min(count, MAX_IMAGES))]


def sample_notes(count: int) -> tuple[str, ...]:
    """That not all of ``count`` images are used, in words."""
    return (f"{MAX_IMAGES} of {count} images, evenly spaced",) if count > MAX_IMAGES else ()


def from_folder(
    folder: Path, preprocessing: Preprocessing, each: Each | None = None
) -> tuple[Pixels, int, tuple[str, ...]]:
    """Photos of a folder, resized and cropped, one at a time; how many it holds; what has to be said of them."""
    paths, count, notes = image_files(folder)
    pixels = np.empty((len(paths), *preprocessing.size, len(preprocessing.mean)), np.uint8)
    for place, path in enumerate(paths):
        pixels[place] = load_image(path, preprocessing)
        if each is not None:
            each(place + 1, len(paths))
    return pixels, count, (*notes, *photo_notes(paths))


def load_image(path: Path, preprocessing: Preprocessing) -> Pixels:
    """One photo as ``(height, width, channels)``: resized, then its centre.

    Raises:
        UsageError: the file is not a whole image, or a strip that resizing would blow up.
        ToolError: Pillow is not installed.
    """
    grey = preprocessing.channels == "L"
    image = decode(path, "L" if grey else "RGB")
    from PIL import Image

    height, width = resized(image.height, image.width, preprocessing)
    if height * width > LARGEST:
        raise UsageError(
            f"{path} has {image.width} x {image.height} pixels, which resizing would make {width} x {height}",
            "leave it out: it is a strip",
        )
    image = image.resize((width, height), Image.Resampling[preprocessing.interpolation.upper()])
    rows, columns = preprocessing.size
    # Rounded to the even number, as torchvision's CenterCrop does.
    left, top = round((width - columns) / 2), round((height - rows) / 2)
    array = np.asarray(image.crop((left, top, left + columns, top + rows)))
    if grey:
        return array[..., None]
    return array if preprocessing.channels == "RGB" else array[..., ::-1]


def resized(height: int, width: int, preprocessing: Preprocessing) -> tuple[int, int]:
    """``(height, width)`` of an image after resizing: torchvision's ``Resize``, timm's rule for an oblong input."""
    if not isinstance(preprocessing.resize, int):
        return preprocessing.resize
    rows, columns = preprocessing.size
    if rows == columns:
        long = int(preprocessing.resize * max(height, width) / min(height, width))
        return (preprocessing.resize, long) if height <= width else (long, preprocessing.resize)
    larger = preprocessing.resize / min(rows, columns)
    ratio = min(height / (rows * larger), width / (columns * larger))
    return max(rows, round(height / ratio)), max(columns, round(width / ratio))


def from_npz(path: Path, preprocessing: Preprocessing, array: str) -> tuple[Pixels, int, tuple[str, ...]]:
    """Images of an ``.npz`` file, at the network's size; how many it holds; what was done to them, in words.

    Of many only those that are used are ever in memory.

    Raises:
        UsageError: missing or broken file, no such array, wrong type or shape.
    """
    shapes: list[tuple[int, ...]] = []

    def check(seen: Array) -> None:
        shapes.append(checked_images(seen, f"{path}: {array}").shape)

    try:
        check_npz(path)
        images = read_rows(path, array, check, evenly)
    except KeyError as error:
        raise UsageError(f"{path} holds no array named {array}", f"np.savez(FILE, images=...); {NPZ_HINT}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"cannot read {path}: {error}", "write it again: np.savez(FILE, images=...)") from error
    count = shapes[0][0]
    notes = [note for note in (size_note(images, preprocessing), *sample_notes(count)) if note]
    return fitted(images, preprocessing), count, tuple(notes)


def normalise(pixels: Pixels, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Pixels to the network's float input, ``(N, C, H, W)``: ``(pixel / 255 - mean) / std``."""
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
