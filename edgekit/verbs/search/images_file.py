"""The images of a search as files that its trainings map into memory, and as bytes for workers on other machines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.files import sha256_file, write_atomic
from ...base.inside import inside
from ...base.scratch import scratch_folder
from ...training.datasets import Dataset

IMAGES, LABELS = "images.npy", "labels.npy"
CHUNK = 256
"""Images that are read at a time: a folder of large ones need not fit into memory."""


@dataclass(frozen=True)
class ImagesFile:
    """The images to train on, then those to judge by, in a folder.

    Attributes:
        folder: holds ``images.npy``, uint8 ``(N, H, W, C)``, and ``labels.npy``, int64 ``(N,)``.
        train: how many are to train on.
        classes: how many there are.
        sha256: of the pixels, the labels and the classes' names.
    """

    folder: Path
    train: int
    classes: int
    sha256: str

    @property
    def images(self) -> Path:
        """The pixels."""
        return self.folder / IMAGES

    @property
    def labels(self) -> Path:
        """What they show."""
        return self.folder / LABELS


@dataclass(frozen=True)
class Content:
    """The files of a search's images as bytes, with the digest of each."""

    files: dict[str, bytes]
    digests: dict[str, str]

    @property
    def bytes(self) -> int:
        """How many there are."""
        return sum(map(len, self.files.values()))


@contextmanager
def images_file(data: Dataset) -> Iterator[ImagesFile]:
    """The images of a data set in a temporary folder, for this block.

    Raises:
        UsageError: an image cannot be read.
        OSError: there is no room.
    """
    with scratch_folder("search") as folder:
        digest = hashlib.sha256("\n".join(data.classes).encode() + bytes([len(data.classes) % 256]))
        counts = [len(split.labels) for split in (data.train, data.test)]
        first = data.train.images.take(np.zeros(1, np.int64))
        shape = (sum(counts), *first.shape[1:])
        pixels = np.lib.format.open_memmap(folder / IMAGES, "w+", np.uint8, shape)
        for split, begin in zip((data.train, data.test), (0, counts[0]), strict=True):
            for start in range(0, len(split.labels), CHUNK):
                taken = split.images.take(np.arange(start, min(start + CHUNK, len(split.labels))))
                pixels[begin + start : begin + start + len(taken)] = taken
                digest.update(taken.tobytes())
        pixels.flush()
        labels = np.concatenate([data.train.labels, data.test.labels])
        np.save(folder / LABELS, labels)
        digest.update(labels.tobytes() + repr((shape, counts)).encode())
        yield ImagesFile(folder, counts[0], len(data.classes), digest.hexdigest())


def content_of(data: ImagesFile) -> Content:
    """The files as bytes."""
    files = {path.name: path.read_bytes() for path in (data.images, data.labels)}
    return Content(files, {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


def unpacked(content: Content, folder: Path) -> Path:
    """The folder with the files of ``content``, written where they are not there yet.

    Args:
        content: as it was sent.
        folder: of a worker's own; several of its threads may do this at once.

    Raises:
        UsageError: a name leads out of the folder.
        ToolError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.files.items():
        path = inside(folder, name, field="the name of a file of images")
        if not path.is_file() or path.stat().st_size != len(data) or sha256_file(path) != content.digests[name]:
            write_atomic(path, data)
    return folder
