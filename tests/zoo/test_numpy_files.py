"""Arrays in files of NumPy and in pickles."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from edgekit.zoo.numpy_files import arrays, read_arrays
from edgekit.zoo.pickled import plain_values

KINDS = st.sampled_from(["<f4", ">f4", "<f8", "<f2", "<i4", "u1", "?"])


@given(arrays_of.arrays(KINDS, arrays_of.array_shapes(max_dims=4, max_side=4)), st.integers(2, 5), st.data())
def test_arrays_come_back_from_pickles(array: Any, protocol: int, data: st.DataObject) -> None:
    axes = data.draw(st.permutations(range(array.ndim)))
    given = np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))
    found = dict(arrays(plain_values(BytesIO(pickle.dumps({"a": [given, {b"b": given}]}, protocol)))))
    assert list(found) == ["a.0", "a.1.b"]
    for one in found.values():
        assert one.dtype == array.dtype
        assert np.array_equal(one, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("content", [OrderedDict(a=np.ones(3)), {"model": {"a": np.ones(3)}}])
def test_dicts_of_any_kind(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(content))
    found = read_arrays(path)
    assert found is not None
    assert [name.rpartition(".")[2] for name in found] == ["a"]


class Attack:
    """Runs a command where its pickle is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.write_text, (self.mark, "ran")


def test_nothing_in_a_pickle_runs(tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pkl", tmp_path / "mark"
    path.write_bytes(pickle.dumps({"a": np.ones(3), "b": Attack(mark)}))
    found = read_arrays(path)
    assert found is not None
    assert list(found) == ["a"]
    assert not mark.exists()


def test_arrays_that_are_met_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    content: Any = {"w": np.zeros(1000, np.float32)}
    for _ in range(6):
        content = {str(place): content for place in range(20)}
    path.write_bytes(pickle.dumps(content))
    assert path.stat().st_size < 20_000
    assert read_arrays(path) is None
    large = np.zeros(2_000_000, np.float32)
    path.write_bytes(pickle.dumps({str(place): large for place in range(100)}))
    assert read_arrays(path) is None


def test_a_name_is_no_longer_than_a_layer_s(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"x" * 2000: np.zeros(3)}))
    assert read_arrays(path) is None


def test_an_archive_of_more_than_a_light_network_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.zoo.numpy_files.LARGEST_BYTES", 1000)
    np.savez(tmp_path / "a.npz", w=np.zeros(1000))
    with pytest.raises(ValueError, match="more than any light network"):
        read_arrays(tmp_path / "a.npz")


def test_more_values_than_bytes_are_no_array(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    content = pickle.dumps({"a": np.ones(3)}, 2).replace(b"K\x03\x85", b"K\x7f\x85")
    path.write_bytes(content)
    assert read_arrays(path) is None


@pytest.mark.parametrize("content", [b"\x80\x02N.", b"\x93NUMPY\x01\x00", b"text", b""])
def test_other_files_are_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert read_arrays(path) is None
