"""Constants of frozen TensorFlow graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.zoo.graphdef import is_graph, of_tf_slim, read_graph


def test_constants_come_back(node: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    path.write_bytes(node("a/weights", array) + node("b", np.float32(2)))
    assert is_graph(path)
    found = read_graph(path).constants
    assert list(found) == ["a/weights", "b"]
    assert np.array_equal(found["a/weights"], array)
    assert found["b"] == 2


def test_nodes_without_end(node: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(node("a/weights", np.zeros(3, np.float32)) + b"\x0a\x02\x0a\x00" * 600_000)
    assert is_graph(path)
    assert not of_tf_slim(path)
    with pytest.raises(ValueError, match="more fields"):
        read_graph(path)


def test_a_large_first_node_is_recognised(node: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(node("MobilenetV1/weights", np.zeros(100_000)))
    assert is_graph(path)
    assert of_tf_slim(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\nhello world, this is text\n", b"\x80\x02}q\x00.", b"PK\x03\x04"])
def test_other_files_are_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not is_graph(path)


def tensor(field: Any, number: Any, shape: list[int], values: bytes) -> bytes:
    """A node with a constant of that shape, its float values packed."""
    sizes = b"".join(field(2, number(1, size)) for size in shape)
    made = bytes([8, 1]) + field(2, sizes) + field(5, values)
    value = field(1, b"value") + field(2, field(8, made))
    return bytes(field(1, field(1, b"c") + field(2, b"Const") + field(5, value)))


def test_one_value_stands_for_all(field: Any, number: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(tensor(field, number, [4], np.float32(3).tobytes()))
    assert read_graph(path).constants["c"].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("shape", "values", "said"),
    [
        ([1 << 20, 1 << 20], 1, "larger than any light network's"),
        ([3], 2, r"a constant of \[3\] holds 2 values"),
    ],
)
def test_shapes_that_lie(shape: list[int], values: int, said: str, field: Any, number: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(tensor(field, number, shape, np.zeros(values, np.float32).tobytes()))
    with pytest.raises(ValueError, match=said):
        read_graph(path)


def test_a_cut_graph_says_where(node: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(node("a", np.zeros(2000))[:-5])
    assert is_graph(path)
    with pytest.raises(ValueError, match="in the middle of a field"):
        read_graph(path)
