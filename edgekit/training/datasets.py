"""Labelled images for training: the value that every source gives, and the checks that all of them have to pass.

The sources: ``fashion_mnist.py``, ``image_folder.py``, ``npz_file.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]

HELD_OUT = 10
"""Where a source has no test images, one of this many images of every class is held out."""


class Images(Protocol):
    """Images by index."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def take(self, indices: Indices) -> Pixels:
        """The chosen images, uint8 ``(n, H, W, 3)``, RGB, or ``(n, H, W, 1)``, grey, all of one size."""
        ...


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory: uint8 ``(N, H, W)`` or ``(N, H, W, 1)``, grey, or ``(N, H, W, 3)``, RGB."""

    array: Pixels

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: Indices) -> Pixels:
        """The chosen images."""
        chosen = self.array[indices]
        return chosen[..., None] if chosen.ndim == 3 else chosen


@dataclass(frozen=True)
class Subset:
    """Some images of others."""

    images: Images
    chosen: Indices

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, indices: Indices) -> Pixels:
        """See :class:`Images`."""
        return self.images.take(self.chosen[indices])


@dataclass(frozen=True)
class Split:
    """Images and their labels, in the same order."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class Dataset:
    """A training and a test split.

    Attributes:
        name: short, fit for a folder name.
        classes: their names; a label is an index into them.
        note: what was decided for the user, in words; empty when nothing was.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    note: str = ""

    @property
    def sha256(self) -> str:
        """Digest of class names and labels: what a resumed training compares. Pixels are not read for it."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for split in (self.train, self.test):
            digest.update(split.labels.tobytes() + b"|")
        return digest.hexdigest()


def checked(data: Dataset, source: str) -> Dataset:
    """``data`` itself, when a network can be trained on it.

    Raises:
        UsageError: a split is empty, labels and images differ in number, a label is out of range, or all training
            images are of one class.
    """
    for part, split in (("training", data.train), ("test", data.test)):
        if len(split.images) != len(split.labels):
            raise UsageError(f"{source}: {len(split.images)} {part} images have {len(split.labels)} labels")
        if not len(split.labels):
            raise UsageError(f"{source} has no {part} images")
        low, high = int(split.labels.min()), int(split.labels.max())
        if low < 0 or high >= len(data.classes):
            wrong = low if low < 0 else high
            raise UsageError(
                f"{source}: the {part} label {wrong} is out of range for {len(data.classes)} classes",
                f"labels are whole numbers from 0 to {len(data.classes) - 1}",
            )
    present = np.unique(data.train.labels)
    if len(present) < 2:
        raise UsageError(f"{source}: all training images are of one class ({data.classes[present[0]]})", "give two")
    return data


def hold_out(images: Images, labels: Labels, classes: Sequence[str], source: str) -> tuple[Split, Split]:
    """A training and a test split: of every class each tenth image, at least one, is for the test.

    Raises:
        UsageError: a class has a single image.
    """
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise UsageError(
                f"{source}: class {classes[label]} has one image, and one has to be held out for the test",
                "add images, or give test images of your own",
            )
        test[members[HELD_OUT - 1 :: HELD_OUT] if len(members) >= HELD_OUT else members[-1:]] = True
    kept, held = np.flatnonzero(~test), np.flatnonzero(test)
    return Split(Subset(images, kept), labels[kept]), Split(Subset(images, held), labels[held])


def as_labels(array: NDArray[Any], source: str) -> Labels:
    """A one-dimensional array of whole numbers as labels.

    Raises:
        UsageError: another type or shape.
    """
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise UsageError(f"{source} is {array.dtype} {list(array.shape)}", "it must be whole numbers, [N]")
    return array.astype(np.int64)
