"""Training data as a folder of folders: one folder a class, its name the class, its files the images.

With ``train`` and ``test`` (or ``val``) in it those hold the class folders; otherwise test images are held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.pixels import SUFFIXES, load_image
from ..errors import UsageError
from ..types import Preprocessing
from .datasets import HELD_OUT, Dataset, Indices, Pixels, Split, checked, hold_out


@dataclass(frozen=True)
class FileImages:
    """Images in files, read when they are needed, resized and cropped as the network's card says."""

    paths: tuple[Path, ...]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, indices: Indices) -> Pixels:
        """The chosen images, ``(n, crop, crop, 3)``."""
        return np.stack([load_image(self.paths[index], self.preprocessing) for index in indices])


def image_folder(folder: Path, preprocessing: Preprocessing) -> Dataset:
    """The data set of a folder.

    Raises:
        UsageError: no class folder, a class without images, a test class that the training lacks; see also
            :func:`~.datasets.checked`.
    """
    name = folder.resolve().name
    held = next((folder / part for part in ("test", "val") if (folder / part).is_dir()), None)
    if (folder / "train").is_dir() and held is not None:
        classes = class_names(folder / "train")
        unknown = [c for c in class_names(held) if c not in classes]
        if unknown:
            raise UsageError(f"{held} has classes that {folder / 'train'} lacks: {', '.join(unknown)}")
        train, test = (labelled(part, classes, preprocessing) for part in (folder / "train", held))
        return checked(Dataset(name, classes, train, test), str(folder))
    classes = class_names(folder)
    every = labelled(folder, classes, preprocessing)
    checked(Dataset(name, classes, every, every), str(folder))
    train, test = hold_out(every.images, every.labels, classes, str(folder))
    note = f"{folder} has no train and test folders: one image in {HELD_OUT} of every class is held out for the test"
    return checked(Dataset(name, classes, train, test, note), str(folder))


def class_names(folder: Path) -> tuple[str, ...]:
    """The names of the folders in ``folder``, sorted."""
    found = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if not found:
        raise UsageError(f"{folder} holds no folders", "--data DIR has one folder of images a class")
    return found


def labelled(folder: Path, classes: Sequence[str], preprocessing: Preprocessing) -> Split:
    """The images of every class in ``folder``, in the order of the classes and of their file names."""
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(p for p in (folder / name).rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not found:
            raise UsageError(f"{folder / name} holds no image", f"known types: {' '.join(SUFFIXES)}")
        paths += found
        labels += [label] * len(found)
    return Split(FileImages(tuple(paths), preprocessing), np.asarray(labels, np.int64))
