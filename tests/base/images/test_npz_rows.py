"""Some rows of a large array: those that were chosen, and memory for these alone."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.base.images.npz_rows import read_rows

ROWS = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
CHOSEN = [0, 7, 8, 39]


def ignore(_: object) -> None:
    """No check."""


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("array", [ROWS, np.asfortranarray(ROWS), ROWS.astype(np.float32)])
def test_the_chosen_rows(tmp_path: Path, save, array: np.ndarray) -> None:
    save(tmp_path / "a.npz", images=array)
    found = read_rows(tmp_path / "a.npz", "images", ignore, lambda _: CHOSEN)
    assert found.dtype == array.dtype
    assert (found == array[CHOSEN]).all()


def test_a_thousand_images_take_no_more_memory_than_the_chosen_ones(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((1000, 64, 64, 3), np.uint8))  # 12 MB
    tracemalloc.start()
    read_rows(tmp_path / "a.npz", "images", ignore, lambda count: range(0, count, 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_the_check_sees_type_and_shape_before_anything_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=ROWS)
    seen = []

    def check(array: np.ndarray) -> None:
        seen.append((array.shape, array.dtype))
        raise LookupError("no such type")

    with pytest.raises(LookupError):
        read_rows(tmp_path / "a.npz", "images", check, lambda _: CHOSEN)
    assert seen == [(ROWS.shape, ROWS.dtype)]


def test_an_array_that_ends_early(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, ROWS)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", stream.getvalue()[:-1])
    with pytest.raises(EOFError, match="ends in its row 39"):
        read_rows(tmp_path / "a.npz", "images", ignore, lambda _: CHOSEN)


def test_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.array([{}], object))
    with pytest.raises(ValueError, match="pickle"):
        read_rows(tmp_path / "a.npz", "images", ignore, lambda _: [0])
