"""Training data as a folder of folders: one folder a class, its name the class, its files the images.

With ``train`` and ``test`` (or ``val``) in it those hold the class folders; otherwise test images are held out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.images.decode import opened, photo_notes
from ..base.images.photo_files import Found, class_folders, find_photos, split_folders
from ..base.images.pixels import load_image
from ..errors import UsageError
from ..types import Preprocessing
from .datasets import HELD_OUT, Dataset, Indices, Pixels, Split, checked, hold_out

LOOKED_AT = 32
"""Photos of a folder whose size is looked at."""


@dataclass(frozen=True)
class FileImages:
    """Images in files, read when they are needed, resized and cropped as the network's card says; RGB or grey."""

    paths: tuple[Path, ...]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, indices: Indices) -> Pixels:
        """The chosen images, ``(n, height, width, channels)``."""
        grey = self.preprocessing.channels == "L"
        wanted = self.preprocessing if grey else self.preprocessing.model_copy(update={"channels": "RGB"})
        return np.stack([load_image(self.paths[index], wanted) for index in indices])


def image_folder(folder: Path, preprocessing: Preprocessing) -> Dataset:
    """The data set of a folder.

    Raises:
        UsageError: no class folder, a class without images, a test class that the training lacks; see also
            :func:`~.datasets.checked`.
    """
    name = folder.resolve().name
    parts = split_folders(folder)
    if parts is not None:
        classes = class_folders(parts[0])
        unknown = [c for c in class_folders(parts[1]) if c not in classes]
        if unknown:
            raise UsageError(f"{parts[1]} has classes that {parts[0]} lacks: {', '.join(unknown)}")
        (train, said), (test, also) = (labelled(part, classes, preprocessing) for part in parts)
        return checked(Dataset(name, classes, train, test, "; ".join((*said, *also))), str(folder))
    classes = class_folders(folder)
    every, said = labelled(folder, classes, preprocessing)
    checked(Dataset(name, classes, every, every), str(folder))
    train, test = hold_out(every.images, every.labels, classes, str(folder))
    note = f"{folder} has no train and test folders: one image in {HELD_OUT} of every class is held out for the test"
    return checked(Dataset(name, classes, train, test, "; ".join((*said, note))), str(folder))


def labelled(folder: Path, classes: Sequence[str], preprocessing: Preprocessing) -> tuple[Split, tuple[str, ...]]:
    """The images of every class in ``folder``, in the order of the classes and of their file names; what to say of it.

    Raises:
        UsageError: a class without images.
    """
    paths: list[Path] = []
    labels: list[int] = []
    left_out: Counter[str] = Counter()
    for label, name in enumerate(classes):
        found = find_photos(folder / name)
        paths += found.paths
        labels += [label] * len(found.paths)
        left_out.update(dict(found.left_out))
    whole = Found(tuple(paths), tuple(sorted(left_out.items())))
    said = (*whole.notes, *photo_notes(paths), *enlarged_notes(paths, preprocessing))
    notes = tuple(f"{folder}: {note}" for note in said)
    return Split(FileImages(whole.paths, preprocessing), np.asarray(labels, np.int64)), notes


def enlarged_notes(paths: Sequence[Path], preprocessing: Preprocessing) -> tuple[str, ...]:
    """What to say of photos that are smaller than the network's input, by some of them; nothing of others."""
    small = []
    rows, columns = preprocessing.size
    for path in paths[:: max(1, len(paths) // LOOKED_AT)][:LOOKED_AT]:
        try:
            with opened(path) as photo:
                width, height = photo.size
        except UsageError:  # whoever reads it will say what is wrong
            continue
        if height >= rows and width >= columns:
            return ()
        small.append((height, width))
    if not small:
        return ()
    height, width = sorted(small)[len(small) // 2]
    told = f"images of {height} x {width} are enlarged to the network's {rows} x {columns}"
    return (f"{told}, which takes time and adds no detail: a card with a smaller input is faster",)
