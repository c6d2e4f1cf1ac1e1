"""Training data in one ``.npz`` file: ``images`` and ``labels``, and perhaps ``test_images`` and ``test_labels``."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.fetched.archives import check_npz
from ..base.files import check_regular
from ..errors import UsageError
from .datasets import HELD_OUT, ArrayImages, Dataset, Split, as_labels, checked, hold_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

HINT = (
    "np.savez(FILE, images=…, labels=…), perhaps test_images and test_labels too; "
    "images are uint8 [N, H, W, 3], [N, H, W, 1] or [N, H, W]"
)


def npz_file(path: Path) -> Dataset:
    """The data set of an ``.npz`` file; classes are called by their numbers.

    Raises:
        UsageError: no such file, broken, an array missing, of another type or shape; see also
            :func:`~.datasets.checked`.
    """
    arrays = read(path)
    train = split(arrays, "", path)
    count = int(train.labels.max(initial=-1)) + 1
    classes = tuple(map(str, range(max(count, 0))))
    if "test_images" in arrays or "test_labels" in arrays:
        return checked(Dataset(path.stem, classes, train, split(arrays, "test_", path)), str(path))
    checked(Dataset(path.stem, classes, train, train), str(path))  # before the split, which indexes by label
    kept, held = hold_out(train.images, train.labels, classes, str(path))
    note = f"{path} has no test_images: one in {HELD_OUT} of every class is held out for the test"
    return checked(Dataset(path.stem, classes, kept, held, note), str(path))


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the file by name."""
    try:
        check_npz(check_regular(path))
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise UsageError(f"{path} cannot be read as .npz: it is one array, a renamed .npy file", HINT)
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}", HINT) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read as .npz: {error}", HINT) from error


def split(arrays: dict[str, NDArray[Any]], prefix: str, path: Path) -> Split:
    """``<prefix>images`` and ``<prefix>labels``."""
    for name in (f"{prefix}images", f"{prefix}labels"):
        if name not in arrays:
            raise UsageError(f"{path} holds no array named {name}; it has {', '.join(arrays) or 'none'}", HINT)
    images, labels = arrays[f"{prefix}images"], arrays[f"{prefix}labels"]
    grey = images.ndim == 3
    if images.dtype != np.uint8 or not (grey or (images.ndim == 4 and images.shape[-1] in (1, 3))):
        raise UsageError(f"{path}: {prefix}images is {images.dtype} {list(images.shape)}", HINT)
    return Split(ArrayImages(images), as_labels(labels, f"{path}: {prefix}labels"))
