"""``--calibration`` and ``--parity-data``: what :func:`~edgekit.base.images.pixels.load_pixels` reads, and data sets.

If a source has training and test images, the training images calibrate and the test images verify.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from ..base.fetched.archives import members
from ..base.files import sha256_file
from ..base.images.image_arrays import fitted, size_note
from ..base.images.photo_files import split_folders
from ..base.images.pixels import Each, Pixels, evenly, load_pixels, sample_notes, source_digest
from ..training import fashion_mnist
from ..training.datasets import ArrayImages, Dataset
from ..types import ImageSet, Preprocessing

Part = Literal["train", "test"]


def load(
    source: str | None, preprocessing: Preprocessing, part: Part, each: Each | None = None
) -> tuple[Pixels, ImageSet]:
    """The images of a source, at most ``MAX_IMAGES``, uint8 ``(N, height, width, channels)``, and where they are from.

    Args:
        source: ``fashion-mnist``, ``fashion-mnist:DIR``, or what ``load_pixels`` takes.
        preprocessing: of the network.
        part: which images, where the source has both.
        each: called with the number of images read so far from a folder, and their total.

    Raises:
        UsageError: nothing there, or unusable images.
        ToolError: the data set is not installed.
    """
    if not is_data_set(source):
        found, key, note = chosen(source, part)
        pixels, images = load_pixels(found, preprocessing, key, each)
        return pixels, images.model_copy(update={"notes": (*note, *images.notes)}) if note else images
    assert source is not None
    data = read_data_set(source)
    split = data.train if part == "train" else data.test
    assert isinstance(split.images, ArrayImages)
    array = split.images.array
    pixels = fitted(array[evenly(len(array))], preprocessing)
    notes = [f"the {'training' if part == 'train' else 'test'} images of {data.name}", *sample_notes(len(array))]
    notes += [note for note in (size_note(array, preprocessing),) if note]
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    described = ImageSet(
        kind="dataset", source=source, count=len(pixels), given=len(array), sha256=digest, notes=tuple(notes)
    )
    return pixels, described


def chosen(source: str | None, part: Part) -> tuple[str | None, str, tuple[str, ...]]:
    """The source of one part, the name of its array where it is ``.npz``, and what to say of the choice."""
    if source is None or source == "synthetic":
        return source, "images", ()
    if source.endswith(".npz"):
        if part == "test" and has_test_images(Path(source)):
            return source, "test_images", (f"the test images of {source}",)
        return source, "images", ()
    parts = split_folders(Path(source)) if Path(source).is_dir() else None
    if parts is None:
        return source, "images", ()
    found = str(parts[0] if part == "train" else parts[1])
    return found, "images", (f"{source} has training and test images: these are {found}",)


def has_test_images(path: Path) -> bool:
    """True where an ``.npz`` file has images to test on; a broken file has none."""
    return "test_images.npy" in (members(path) or ())


def digest_of(source: str | None, part: Part) -> str:
    """SHA-256 over the files that :func:`load` would read, without decoding them.

    Raises:
        UsageError: nothing there.
        ToolError: the data set is not installed.
    """
    if not is_data_set(source):
        found, key, _ = chosen(source, part)
        return f"{key}:{source_digest(found)}" if key != "images" else source_digest(found)
    assert source is not None
    folder = fashion_mnist.FOLDER if source == fashion_mnist.NAME else Path(source.partition(":")[2])
    digest = hashlib.sha256(part.encode())
    for path in sorted(folder.glob("*.gz")):
        digest.update(bytes.fromhex(sha256_file(path)))
    return digest.hexdigest()


def is_data_set(source: str | None) -> bool:
    """True for the name of a data set that edgekit reads."""
    return source is not None and source.partition(":")[0] == fashion_mnist.NAME


def read_data_set(source: str) -> Dataset:
    """The data set of a name.

    Raises:
        UsageError: a file of it is missing or broken.
        ToolError: it is not installed.
    """
    folder = source.partition(":")[2]
    return fashion_mnist.fashion_mnist(Path(folder) if folder else None)
