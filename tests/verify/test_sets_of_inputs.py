"""Arrays of a file as the inputs of a network: what they are is said, and NaN is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import UsageError
from edgekit.types import TensorSpec
from edgekit.verify.sets_of_inputs import given_inputs

SPEC = TensorSpec(name="x", shape=(1, 4), layout="NC", dtype="float32")


def saved(folder: Path, array: Any) -> Path:
    np.savez(folder / "x.npz", x=array)
    return folder / "x.npz"


def test_whole_numbers_for_an_input_of_real_ones_are_said(tmp_path: Path) -> None:
    arrays, source = given_inputs(saved(tmp_path, np.array([[[0, 9, 255, 3]]], np.uint8)), [SPEC])
    assert arrays[0].dtype == np.float32
    assert arrays[0].max() == 255
    (note,) = source.notes
    assert note.startswith("x has whole numbers (uint8, 0 to 255), given to the float32 input as they are")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_of_real_numbers_nothing_is_said(dtype: Any, tmp_path: Path) -> None:
    _, source = given_inputs(saved(tmp_path, np.ones((3, 1, 4), dtype)), [SPEC])
    assert source.notes == ()


def test_nan_is_refused_and_infinity_is_not(tmp_path: Path) -> None:
    values = np.zeros((3, 1, 4), np.float32)
    values[1, 0, 2] = -np.inf  # a mask of attention
    assert np.isinf(given_inputs(saved(tmp_path, values), [SPEC])[0][0]).any()
    values[2, 0, 0] = np.nan
    with pytest.raises(UsageError, match=r"x\.npz: x holds NaN, first in set 2"):
        given_inputs(saved(tmp_path, values), [SPEC])
