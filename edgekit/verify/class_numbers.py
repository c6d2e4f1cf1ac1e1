"""Names of classes to the class numbers of a network: by name where the network knows its own, else in sorted order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Labels = NDArray[np.int64]
SHOWN = 3


def class_numbers(source: str, given: Sequence[str], known: Sequence[str], classes: int) -> tuple[Labels, list[str]]:
    """The class number of each of the names ``given``, and what has to be said of the match.

    Args:
        source: where the names are from, as the user named it.
        given: names of classes, sorted by string.
        known: the network's own names by class number; empty where nobody kept them.
        classes: scores that the network gives.

    Raises:
        UsageError: names that are not the network's, or of another number than its classes.
    """
    numbers = {name: number for number, name in enumerate(known)}
    strange = [name for name in given if name not in numbers]
    if known and not strange:
        notes = []
        if len(given) < classes:
            notes.append(f"{source} has {len(given)} of the network's {classes} classes; they are matched by name")
        return np.array([numbers[name] for name in given], np.int64), notes
    if known and len(strange) < len(given):
        raise UsageError(
            f"{source}: {listed(strange)} {'is' if len(strange) == 1 else 'are'} none of the network's classes, which "
            f"are {listed(known)}",
            "call the folders as they were called in training, or give --labels FILE with class numbers",
        )
    by_number = all(name.isascii() and name.isdigit() for name in given)
    if len(given) == classes:
        notes = []
        if known:
            notes.append(
                f"the class names of {source} ({listed(given)}) are not the network's ({listed(known)}): they are "
                "numbered in sorted order"
            )
        elif by_number and list(given) != sorted(given, key=int):
            notes.append(
                f"the class folders of {source} are numbered in the order of their names as text"
                f" ({', '.join(given[:4])}, …), as torchvision's ImageFolder does; "
                "where the names are class numbers, give --labels FILE"
            )
        return np.arange(classes, dtype=np.int64), notes
    if by_number and not known and max(map(int, given)) < classes:
        note = f"{source} has {len(given)} class folders of {classes} classes: their names are taken for class numbers"
        return np.array([int(name) for name in given], np.int64), [note]
    raise UsageError(
        f"{source} has {len(given)} class folders, and the network gives {classes} scores",
        "call the folders as the network calls its classes, or give --labels FILE with class numbers",
    )


def listed(names: Sequence[str]) -> str:
    """``cat, dog, emu, … (12)``."""
    more = f", … ({len(names)})" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
