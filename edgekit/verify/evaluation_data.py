"""``--data`` and ``--labels`` of an evaluation: which images, in which order, and the class of each."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.fetched.archives import check_npz
from ..base.files import check_regular
from ..base.images.decode import photo_notes
from ..base.images.image_arrays import checked_images, fitted
from ..base.images.photo_files import class_folders, find_photos, split_folders
from ..base.images.pixels import Pixels, load_image
from ..errors import UsageError
from ..types import Preprocessing
from .class_numbers import class_numbers
from .label_file import HINT, numbers_of, read_rows, words_of

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Images:
    """Images to evaluate on.

    Attributes:
        source: as the user named it.
        paths: image files in order; empty for those of an ``.npz`` file.
        array: ``images`` of an ``.npz`` file.
        labels: class numbers in the same order, or None; indices into ``class_names`` where there are any.
        class_names: names of the classes, sorted by string; empty where classes come as numbers.
        notes: what was decided for the user, in words.
        first_word: where the names are from, when a label file has them.
    """

    source: str
    paths: tuple[Path, ...] = ()
    array: Pixels | None = None
    labels: Labels | None = None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first_word: str = ""

    def __len__(self) -> int:
        return len(self.paths) if self.array is None else len(self.array)

    def take(self, start: int, stop: int, preprocessing: Preprocessing) -> Pixels:
        """Images ``start`` to ``stop``, uint8 ``(n, height, width, channels)``.

        Raises:
            UsageError: a broken image.
        """
        if self.array is None:
            return np.stack([load_image(path, preprocessing) for path in self.paths[start:stop]])
        return fitted(self.array[start:stop], preprocessing)


def no_labels(source: str, why: str = "accuracy is about right answers", other_way: str = "") -> UsageError:
    """The refusal of images without labels.

    Args:
        source: the images, as the user named them.
        why: labels matter.
        other_way: what else helps, as the end of the advice.
    """
    return UsageError(f"{source} has no labels, and {why}", f"give --labels FILE, or class folders{other_way}")


def load_images(source: str, labels: str | None) -> Images:
    """The images and labels that ``--data`` and ``--labels`` mean.

    A folder of folders has its labels in the folder names, see :func:`with_numbers`; of one with ``train`` and
    ``test`` (or ``val``) in it the test images are taken, as ``edgekit train`` does. ``labels`` overrides them.

    Raises:
        UsageError: nothing there, no images, broken files, labels that do not fit the images.
    """
    path = Path(source)
    if path.suffix == ".npz":
        images = from_npz(path)
    elif path.is_dir():
        images = from_folder(path)
    else:
        raise UsageError(f"no data at {source!r}", "--data takes a folder of images, of class folders, or a .npz file")
    if labels is None:
        return images
    return read_labels(Path(labels), images)


def from_folder(folder: Path) -> Images:
    """Every image below a folder, sorted by path; labels where each lies in a class folder."""
    parts = split_folders(folder)
    if parts is not None:
        images = from_folder(parts[1])
        return replace(images, notes=(f"{folder} has training and test images: these are {parts[1]}", *images.notes))
    found = find_photos(folder)
    paths, notes = found.paths, (*found.notes, *photo_notes(found.paths))
    parents = [path.relative_to(folder).parts[:-1] for path in paths]
    if not any(parents):
        return Images(str(folder), paths, notes=notes)
    if not all(parents):
        stray = next(path for path, parent in zip(paths, parents, strict=True) if not parent)
        raise UsageError(
            f"{folder} holds class folders and, beside them, the image {stray.name}",
            "put every image in the folder of its class, or all in one folder and give --labels FILE",
        )
    names = class_folders(folder)
    number = {name: index for index, name in enumerate(names)}
    labels = np.array([number[parent[0]] for parent in parents], np.int64)
    return Images(str(folder), paths, labels=labels, class_names=names, notes=notes)


def from_npz(path: Path) -> Images:
    """``images`` and perhaps ``labels`` of an ``.npz`` file, see ``image_arrays``.

    Where it has ``test_images`` these are taken, with ``test_labels``: ``edgekit train`` keeps them for the test.
    """
    hint = "np.savez(FILE, images=uint8 [N, H, W, 3] or [N, H, W], labels=[N])"
    try:
        check_npz(check_regular(path))
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}", hint) from error
    except (OSError, AttributeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} cannot be read as .npz: {error}", hint) from error
    if "images" not in arrays:
        raise UsageError(f"{path} holds no array named images; it has {', '.join(arrays) or 'none'}", hint)
    prefix = "test_" if "test_images" in arrays else ""
    notes = (f"{path} has training and test images: these are the test images",) if prefix else ()
    if not len(arrays[f"{prefix}images"]):
        raise UsageError(f"{path} holds no image", hint)
    images = checked_images(arrays[f"{prefix}images"], f"{path}: {prefix}images")
    labels = arrays.get(f"{prefix}labels")
    if labels is None:
        return Images(str(path), array=images, notes=notes)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(
            f"{path}: {prefix}labels is {labels.dtype} {list(labels.shape)}", "it must be whole numbers, [N]"
        )
    if len(labels) != len(images):
        raise UsageError(f"{path} holds {len(images)} images and {len(labels)} labels", hint)
    return Images(str(path), array=images, labels=labels.astype(np.int64), notes=notes)


def read_labels(path: Path, images: Images) -> Images:
    """The images with the labels of a file in place of their own.

    Raises:
        UsageError: unreadable, numbers and names mixed, another count than there are images, an image without a label.
    """
    rows = read_rows(path)
    below = [image.relative_to(images.source).as_posix() for image in images.paths] or [""] * len(images)
    chosen = words_of(path, rows, images.source, below, listed=bool(images.paths))
    numbers = numbers_of(path, chosen)
    if numbers is not None:
        return replace(images, labels=np.array(numbers, np.int64), class_names=())
    names = tuple(sorted({row.word for row in chosen}))
    labels = np.array([names.index(row.word) for row in chosen], np.int64)
    return replace(
        images, labels=labels, class_names=names, first_word=f"{path}, line {rows[0].line}: {rows[0].word!r}"
    )


def with_numbers(images: Images, classes: int, known: Sequence[str] = ()) -> Images:
    """The images with labels that are class numbers of the network; see :func:`~.class_numbers.class_numbers`.

    Args:
        images: their labels may be names.
        classes: scores that the network gives.
        known: its names of the classes, by number; empty where nobody kept them.

    Raises:
        UsageError: a label out of range, or class names that do not fit the network's.
    """
    if images.labels is None:
        return images
    if images.first_word and not known:
        raise UsageError(
            f"{images.first_word} is not a class number", f"{HINT}; names need a network that kept its own"
        )
    if images.class_names:
        numbers, notes = class_numbers(images.source, images.class_names, known, classes)
        present = np.unique(images.labels)
        if len(present) < len(images.class_names) and not known:
            empty = next(name for index, name in enumerate(images.class_names) if index not in present)
            raise UsageError(
                f"{images.source}/{empty} holds no image", "a class without images would move all that follow it"
            )
        return replace(images, labels=numbers[images.labels], class_names=(), notes=(*images.notes, *notes))
    wrong = images.labels[(images.labels < 0) | (images.labels >= classes)]
    if len(wrong):
        raise UsageError(
            f"{images.source}: label {wrong[0]} is out of range for {classes} classes ({len(wrong)} such labels)",
            f"class numbers go from 0 to {classes - 1}; do these count from 1?",
        )
    return images


def some(images: Images, count: int) -> Images:
    """``count`` of the images, evenly spaced, so that sorted class folders all have their share; all of fewer.

    Raises:
        UsageError: not even one.
    """
    if count < 1:
        raise UsageError(f"--images must be 1 or more, got {count}")
    total = len(images)
    if count >= total:
        return images
    chosen = np.linspace(0, total - 1, count).round().astype(np.int64)
    return replace(
        images,
        paths=tuple(images.paths[index] for index in chosen) if images.paths else (),
        array=None if images.array is None else images.array[chosen],
        labels=None if images.labels is None else images.labels[chosen],
        notes=(*images.notes, f"{count} of {total} images, evenly spaced"),
    )


def spans(count: int, size: int) -> Sequence[tuple[int, int]]:
    """``(start, stop)`` of consecutive parts of at most ``size``."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]
