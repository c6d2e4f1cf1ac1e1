"""Sets of inputs for networks of any kind: from a file, or random; and as another file of the network stores them."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.fetched.archives import check_npz
from ..base.files import check_regular
from ..errors import UsageError
from ..types import ImageSet, TensorSpec

Arrays = list[NDArray[Any]]
"""One for each input, with the sets as a dimension in front."""
Shapes = Mapping[str, Sequence[int]]
"""Sizes of inputs by name; of an empty name, those of the only input."""

NHWC, NCHW = (0, 1, 3, 4, 2), (0, 1, 4, 2, 3)
"""The orders that bring sets of images of the other layout into this one."""


def random_inputs(
    specs: Sequence[TensorSpec], count: int, codes: Mapping[str, int] | None = None
) -> tuple[Arrays, ImageSet]:
    """Seeded random inputs: 0 to 1 for floats, any code for 8-bit integers, 0 and 1 for wider ones and booleans.

    Args:
        specs: of the inputs.
        count: of sets.
        codes: of wide integers by name, how many values they take, from 0, where that is known: ids of tokens.
    """
    generator = np.random.default_rng(0)
    arrays: Arrays = []
    for spec in specs:
        shape = (count, *(max(size, 1) for size in spec.shape))
        dtype: np.dtype[Any] = np.dtype(spec.dtype)
        if dtype.kind == "f":
            arrays.append(generator.random(shape).astype(dtype))
        elif dtype.itemsize == 1 and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            arrays.append(generator.integers(limits.min, limits.max, shape, dtype, endpoint=True))
        else:
            arrays.append(generator.integers(0, (codes or {}).get(spec.name, 2), shape).astype(dtype))
    return arrays, source_of(arrays, "synthetic", "random inputs")


def given_inputs(path: Path, specs: Sequence[TensorSpec]) -> tuple[Arrays, ImageSet]:
    """The inputs of a ``.npz``: arrays by the name of the input, or by its place ("0", "1", ...).

    Raises:
        UsageError: it cannot be read, or its arrays do not fit.
    """
    try:
        check_npz(check_regular(path))
        # NumPy leaves a file open that it opened and cannot read.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(
            f"{path} is not an .npz of arrays: {error}", "write it with numpy.savez(path, NAME=array)"
        ) from error
    arrays, notes = [], []
    for place, spec in enumerate(specs):
        array, note = array_of(found, place, spec, path)
        arrays.append(array)
        notes += [note] if note else []
    counts = {len(array) for array in arrays}
    if len(counts) != 1 or 0 in counts:
        raise UsageError(
            f"the arrays of {path} have {sorted(counts)} sets of inputs", "give every input as many, from 1"
        )
    return arrays, source_of(arrays, "npz", path.name).model_copy(update={"notes": tuple(notes)})


def array_of(found: dict[str, NDArray[Any]], place: int, spec: TensorSpec, path: Path) -> tuple[NDArray[Any], str]:
    """The array of one input, as it takes it, and what is to be said of its numbers; else empty.

    Raises:
        UsageError: there is none, it does not fit, or it holds NaN.
    """
    array = found.get(spec.name, found.get(str(place)))
    wanted = tuple(max(size, 1) for size in spec.shape)
    if array is None:
        names = ", ".join(found)
        raise UsageError(f"{path} has no array {spec.name!r} or {str(place)!r}, only {names}", "name one so")
    if array.shape[1:] != wanted and wanted[:1] == (1,) and array.shape[1:] == wanted[1:]:
        array = array[:, None]  # examples without the batch of one
    if array.shape[1:] != wanted or not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise UsageError(
            f"{path}: {spec.name} is {array.dtype} {list(array.shape)}; the input takes {spec.dtype} {list(wanted)}",
            "give [sets, *shape], or [sets, *shape without the batch of 1]",
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        number = int(np.isnan(array.reshape(len(array), -1)).any(1).argmax())
        raise UsageError(f"{path}: {spec.name} holds NaN, first in set {number}", "leave that set out, or mend it")
    return array.astype(spec.dtype), said_of(array, spec)


def said_of(array: NDArray[Any], spec: TensorSpec) -> str:
    """That whole numbers go to an input of real ones as they are: pixels are divided by nobody."""
    if array.dtype.kind not in "iu" or np.dtype(spec.dtype).kind != "f" or not array.size:
        return ""
    return (
        f"{spec.name} has whole numbers ({array.dtype}, {array.min()} to {array.max()}), given to the {spec.dtype} "
        "input as they are: store them scaled where the network wants pixels from 0 to 1"
    )


def stored_inputs(array: NDArray[Any], reference: TensorSpec, spec: TensorSpec) -> NDArray[Any]:
    """Inputs of the reference as another file of the network takes them: its layout, its type, its quantization.

    Raises:
        UsageError: the two inputs are not of one shape.
    """
    shape = tuple(max(size, 1) for size in spec.shape)
    for order in (None, NHWC, NCHW):
        laid = array if order is None or array.ndim != len(order) else array.transpose(order)
        if laid.shape[1:] == shape:
            break
    else:
        raise UsageError(
            f"the input {spec.name} is {list(spec.shape)}, the reference's {reference.name} {list(reference.shape)}",
            "compare files of the same network",
        )
    if spec.quantization is None or reference.quantization is not None:
        return np.ascontiguousarray(laid.astype(spec.dtype))
    limits = np.iinfo(spec.dtype)
    codes = np.round(laid / np.float32(spec.quantization.scale)) + spec.quantization.zero_point
    return np.ascontiguousarray(np.clip(codes, limits.min, limits.max).astype(spec.dtype))


def save_arrays(path: Path, arrays: Sequence[NDArray[Any]]) -> None:
    """Keep arrays in a ``.npz``, named by their places."""
    named: Any = {str(place): array for place, array in enumerate(arrays)}
    np.savez(path, **named)


def load_arrays(path: Path) -> Arrays:
    """The arrays of a ``.npz`` that are named by their places, in order."""
    with np.load(path) as file:
        return [file[str(place)] for place in range(len(file.files))]


def source_of(arrays: Arrays, kind: Any, name: str) -> ImageSet:
    """What the inputs were, for a manifest."""
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    return ImageSet(kind=kind, source=name, count=len(arrays[0]), sha256=digest)
