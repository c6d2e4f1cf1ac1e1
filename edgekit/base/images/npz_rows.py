"""Some images of a large ``.npz`` file: the others pass by without being kept."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def read_rows(path: Path, name: str, check: Callable[[Array], object], choose: Callable[[int], Sequence[int]]) -> Array:
    """The chosen rows of an array, in memory for these alone.

    Args:
        path: the file, which :func:`~edgekit.base.fetched.archives.check_npz` has seen.
        name: of the array.
        check: called with an array of its type and shape, which holds nothing but zeros and takes no memory, before
            anything is read; what it raises goes on.
        choose: from the number of rows to those that are wanted, rising.

    Raises:
        KeyError: no such array.
        ValueError, OSError, EOFError, zipfile.BadZipFile: the file is damaged, or holds objects.
    """
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects, which pickle alone reads")
        check(np.broadcast_to(np.zeros((), dtype), shape))
        chosen = choose(shape[0])
        if fortran:  # columns first: a row lies all over the file
            stream.seek(0)
            whole = np.lib.format.read_array(stream, allow_pickle=False)
            return np.ascontiguousarray(whole[list(chosen)])
        begin = stream.tell()
        rows = np.empty((len(chosen), *shape[1:]), dtype)
        size = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        for place, index in enumerate(chosen):
            stream.seek(begin + index * size)
            content = stream.read(size)
            if len(content) != size:
                raise EOFError(f"{name} ends in its row {index}")
            rows[place] = np.frombuffer(content, dtype).reshape(shape[1:])
        return rows
