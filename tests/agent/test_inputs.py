from __future__ import annotations

import numpy as np
import pytest

from edgekit.agent.inputs import random_input


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", "float16"])
def test_random_inputs_fill_the_type(dtype: str) -> None:
    array = random_input({"shape": [1, 64, 64], "dtype": dtype}, seed=0)
    assert array.dtype.name == dtype
    low, high = (0, 1) if dtype.startswith("float") else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert low <= array.min() <= low + (float(high) - low) * 0.01
    assert high - (float(high) - low) * 0.01 <= array.max() <= high


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_wide_integers_are_what_any_index_may_be(dtype: str) -> None:
    array = random_input({"shape": [1, 64], "dtype": dtype}, seed=0)
    assert array.dtype.name == dtype
    assert {int(value) for value in array.ravel()} == {0, 1}
