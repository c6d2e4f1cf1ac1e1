"""Which files below a folder are the user's photos, and which folders are classes; one rule for every reader.

Links are followed. Files that programs leave behind are no photos of the user: ``._x.jpg``, ``.ipynb_checkpoints``,
``__MACOSX`` and the like are left out, and counted. Classes are sorted by string, as torchvision's ``ImageFolder``
numbers them: ``0, 1, 10, 11, 2``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError

SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".avif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
UNREADABLE = (".heic", ".heif", ".jp2", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw", ".tga", ".psd", ".svg")
"""Photos that Pillow alone cannot read: they are left out, with a note."""
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z")
LEFTOVERS = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
"""Folders of macOS, Synology, Windows and Linux; folders that begin with a dot are skipped too."""


@dataclass(frozen=True)
class Found:
    """Photos below a folder, sorted by path.

    Attributes:
        left_out: images that are none of the user's or cannot be read, by what they are.
        others: files of other kinds.
    """

    paths: tuple[Path, ...]
    left_out: tuple[tuple[str, int], ...] = ()
    others: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, in words."""
        if not self.left_out:
            return ()
        count = sum(count for _, count in self.left_out)
        listed = ", ".join(f"{count} {what}" for what, count in self.left_out)
        return (f"{count} file{'s' * (count != 1)} left out: {listed}",)


def find_photos(folder: Path) -> Found:
    """Every photo below ``folder``.

    Raises:
        UsageError: there is none.
    """
    paths: list[Path] = []
    left_out: Counter[str] = Counter()
    others: list[Path] = []
    if not folder.is_dir():
        raise UsageError(f"no folder of images at {folder}", "check the path")
    for path in files_below(folder, frozenset({os.path.realpath(folder)})):
        suffix, leftover = path.suffix.lower(), leftover_in(path.relative_to(folder))
        if suffix in (*SUFFIXES, *UNREADABLE) and leftover:
            left_out[leftover] += 1
        elif path.is_symlink() and not path.exists():
            left_out["links to nothing"] += 1
        elif suffix in UNREADABLE:
            left_out[f"of type {suffix}, which is not read"] += 1
        elif suffix in SUFFIXES and path.is_file():
            paths.append(path)
        elif leftover == "":
            others.append(path)
    found = Found(tuple(sorted(paths)), tuple(sorted(left_out.items())), len(others))
    if not paths:
        said = "".join(f"; {note}" for note in found.notes)
        raise UsageError(f"{folder} holds no image ({len(others)} other files){said}", without_images(folder, others))
    return found


def without_images(folder: Path, others: Iterable[Path]) -> str:
    """Advice for a folder of other files, by what lies in it and not deeper."""
    for path in sorted(path for path in others if path.parent == folder):
        if path.suffix.lower() == ".npz":
            return f"give the file itself: {path}"
        if path.suffix.lower() in ARCHIVES:
            return f"unpack {path} first"
    return f"known types: {' '.join(SUFFIXES)}"


def files_below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    """Every file below ``folder``, through links to folders but never into one of ``above``, the folders above it."""
    for entry in os.scandir(folder):
        path = folder / entry.name
        if not entry.is_dir():
            yield path
            continue
        real = os.path.realpath(path)
        if real not in above:
            yield from files_below(path, above | {real})


def is_leftover(name: str) -> bool:
    """True for what programs, not users, put among photos."""
    return name.startswith(".") or name in LEFTOVERS


def leftover_in(path: Path) -> str:
    """What of a path below the user's folder makes it none of theirs, in words; empty for a photo of the user's."""
    for part in path.parts:
        if is_leftover(part):
            inside = part != path.name or part in LEFTOVERS
            return f"in {part}" if inside else "._ files" if part.startswith("._") else "hidden files"
    return ""


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the class folders in ``folder``, in the order of their class numbers.

    Raises:
        UsageError: it holds no folders.
    """
    found = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name)))
    if not found:
        raise UsageError(f"{folder} holds no folders", "--data DIR has one folder of images a class")
    return found


def split_folders(folder: Path) -> tuple[Path, Path] | None:
    """The training and the test folder inside ``folder``, ``train`` and ``test`` or ``val``; None without both."""
    held = next((folder / part for part in ("test", "val") if (folder / part).is_dir()), None)
    return (folder / "train", held) if (folder / "train").is_dir() and held is not None else None
