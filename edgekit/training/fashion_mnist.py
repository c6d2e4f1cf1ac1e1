"""Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747): 60,000 + 10,000 grey images of 28 x 28, ten classes; MIT.

Read from the four IDX files of Debian's package ``dataset-fashion-mnist``, or from a folder that holds them.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.fetched.archives import read_gzip
from ..errors import ToolError, UsageError
from .datasets import ArrayImages, Dataset, Split, as_labels, checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "fashion-mnist"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts the files."""
CLASSES = (*("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),)
UBYTE = 0x08  # IDX code of unsigned bytes


def fashion_mnist(folder: Path | None = None) -> Dataset:
    """The data set from ``folder``, or from where Debian's package installs it.

    Raises:
        ToolError: the package is not installed.
        UsageError: a file is missing in ``folder``, broken, or of another shape.
    """
    if folder is None:
        folder = FOLDER
        if not folder.is_dir():
            raise ToolError(
                f"Fashion-MNIST is not installed: no folder {folder}",
                f"apt-get install dataset-fashion-mnist, or give --data {NAME}:DIR with its four .gz files",
            )
    train, test = split(folder, "train"), split(folder, "t10k")
    return checked(Dataset(NAME, CLASSES, train, test), str(folder))


def split(folder: Path, prefix: str) -> Split:
    """The images and labels of ``train`` or ``t10k``."""
    images_file = folder / f"{prefix}-images-idx3-ubyte.gz"
    labels_file = folder / f"{prefix}-labels-idx1-ubyte.gz"
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3:
        raise UsageError(f"{images_file} holds an array of {images.ndim} dimensions", "images have 3: [N, H, W]")
    return Split(ArrayImages(images), as_labels(labels, str(labels_file)))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of a gzipped IDX file of unsigned bytes: magic ``00 00 08 rank``, sizes as big-endian u32, data.

    Raises:
        UsageError: no such file, not gzip, not IDX, another element type, other data than its header says, or far more
            than the file seems to hold.
    """
    hint = "copy it again from Debian's dataset-fashion-mnist or the data set's authors"
    try:
        content = read_gzip(path)
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}", "the folder must hold the four .gz files of Fashion-MNIST") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read as gzip: {error}", hint) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UBYTE:
        raise UsageError(f"{path} is not an IDX file of bytes: it begins with {content[:4].hex()}", hint)
    rank = content[3]
    shape = tuple(int(size) for size in np.frombuffer(content[4 : 4 + 4 * rank], ">u4"))
    data = content[4 + 4 * rank :]
    if len(shape) != rank or len(data) != math.prod(shape):
        raise UsageError(f"{path} holds {len(data)} bytes of data, its header says {list(shape)}", hint)
    return np.frombuffer(data, np.uint8).reshape(shape)
