"""Weights that are kept as NumPy arrays: ``.npz``, and pickles of dicts, lists and arrays (``.pkl``, ``.npy``).

A pickle's opcodes are followed without running any of it (:mod:`.pickled`), and its arrays are made here from the type,
shape and bytes that it gives.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.fetched.archives import check_npz, members
from .pickle_bounds import Opaque
from .pickled import DAMAGED, plain_values

Array = NDArray[Any]
LARGEST_BYTES = 1 << 29
MAGIC = b"\x93NUMPY"
ARRAY = re.compile(r"numpy\.(_?core\.multiarray\._reconstruct|_core\.numeric\._frombuffer|core\.numeric\._frombuffer)$")
TYPE = re.compile(r"[<>=|]?[fiub]\d{1,2}$")
DEEPEST, MOST_VALUES = 8, 500_000
"""Lists and dicts within each other, and values in all of them together, each counted as often as it is met."""

LONGEST_NAME = 1000


def read_arrays(path: Path) -> dict[str, Array] | None:
    """The arrays in a file by name, keys and places in lists joined by dots; None where it is no such file.

    Raises:
        ValueError: an ``.npz`` file that is damaged, or larger than it says.
    """
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"PK") and is_npz(path):
        check_npz(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > LARGEST_BYTES:
            raise ValueError(f"its arrays have {unpacked / 1e6:.0f} MB, more than any light network's")
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if not start.startswith((b"\x80", MAGIC)) or path.stat().st_size > LARGEST_BYTES:
        return None
    try:
        with path.open("rb") as stream:
            if start.startswith(MAGIC):
                skip_header(stream)
            content = plain_values(BytesIO(stream.read()))
        found = dict(arrays(content))
    except DAMAGED:
        return None  # PyTorch's own reader says what is wrong with it
    return found or None


def is_npz(path: Path) -> bool:
    """Whether a zip archive holds arrays of NumPy and nothing else."""
    names = members(path) or ()
    return bool(names) and all(name.endswith(".npy") for name in names)


def skip_header(stream: Any) -> None:
    """Go to the pickle behind the header of an ``.npy`` file that holds objects.

    Raises:
        ValueError: it holds none.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    if not read(stream)[2].hasobject:
        raise ValueError("one array and no names")


def arrays(whole: Any) -> Iterator[tuple[str, Array]]:
    """Every array in a value, by name.

    Raises:
        ValueError: one holds fewer bytes than its shape says, or what is met more than once makes too much of them.
    """
    waiting: list[tuple[str, Any, int]] = [("", whole, 0)]
    met, room = 0, LARGEST_BYTES
    while waiting:
        name, value, depth = waiting.pop()
        met += 1
        array = array_of(value) if isinstance(value, Opaque) else None
        if isinstance(array, np.ndarray):
            room -= array.nbytes
            yield name, array
        elif depth <= DEEPEST:
            waiting += ((f"{name}.{word}".strip("."), one, depth + 1) for word, one in reversed(inside(value, array)))
        if met + len(waiting) > MOST_VALUES or room < 0:
            raise ValueError("it unfolds to more than any light network's weights")


def inside(value: Any, objects: Array | list[Any] | None) -> list[tuple[str, Any]]:
    """What a value holds, by the word that it adds to the name; ``objects`` are those of an array of objects.

    Raises:
        ValueError: a name is longer than any layer's.
    """
    held: list[tuple[Any, Any]] = []
    if isinstance(objects, list):
        # In an .npy file the one dict that was saved.
        held = [("", one) for one in objects] if len(objects) == 1 else list(enumerate(objects))
    elif isinstance(value, Opaque):
        held = list(value.state.items())  # an OrderedDict, for example
    elif isinstance(value, dict):
        held = list(value.items())
    elif isinstance(value, list | tuple):
        held = list(enumerate(value))
    words = [(key.decode("latin1") if isinstance(key, bytes) else str(key), one) for key, one in held]
    if any(len(word) > LONGEST_NAME for word, _ in words):
        raise ValueError(f"a name in it has more than {LONGEST_NAME} characters")
    return words


def array_of(made: Opaque) -> Array | list[Any] | None:
    """The array that an object would be; the values of one of objects; None for anything else.

    Raises:
        ValueError: it holds fewer bytes than its shape says.
    """
    if not ARRAY.search(made.kind):
        return None
    axes: list[Any] = []
    if made.kind.endswith("_frombuffer"):  # protocol 5: bytes, type, shape, order, and where the axes go to
        content, kind, shape, order, *axes = made.arguments
    else:
        _, shape, kind, fortran, content = made.built
        order = "F" if fortran else "C"
    if isinstance(content, list):
        return content
    dtype = dtype_of(kind)
    if dtype is None or not isinstance(content, bytes | bytearray):
        return None
    sizes = [int(size) for size in shape]
    if min(sizes, default=0) < 0 or math.prod(sizes) * dtype.itemsize != len(content):
        raise ValueError(f"an array of {sizes} holds {len(content)} bytes")
    array = np.frombuffer(content, dtype).reshape(sizes, order="F" if order == "F" else "C")
    return array.transpose(axes[0]) if axes else array


def dtype_of(kind: Any) -> np.dtype[Any] | None:
    """The type of numbers that a pickled dtype names; None for any other."""
    if not isinstance(kind, Opaque) or kind.kind != "numpy.dtype" or not kind.arguments:
        return None
    word = kind.arguments[0]
    if not isinstance(word, str):
        return None
    order = kind.built[1] if isinstance(kind.built, tuple) and len(kind.built) > 1 else "|"
    text = word if word[0] in "<>=|" else f"{order if order in ('<', '>') else ''}{word}"
    return np.dtype(text) if TYPE.match(text) else None
