"""ONNX files of others: damaged, cut, and with weights in files that are none of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from edgekit.errors import UsageError
from edgekit.verify.foreign import external_files


def model(**external: str) -> bytes:
    """A model whose weights lie in another file, as these keys say."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[10], data_location=TensorProto.EXTERNAL)
    for key, value in external.items():
        weights.external_data.add(key=key, value=value)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [10]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [weights])
    whole: bytes = helper.make_model(graph).SerializeToString()
    return whole


def test_the_names_beside_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model(location="weights.bin", offset="0"))
    assert external_files(path) == ("weights.bin",)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "", ".", "a/../../b", "zero"])
def test_files_elsewhere(tmp_path: Path, location: str) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "model.onnx").write_bytes(model(location=location))
    with pytest.raises(UsageError, match="the location of external data"):
        external_files(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "content",
    [
        *(b"hello\n", bytes(100), b"\x0a\xff\xff\xff\xff\x0f", model(location="a")[:-5]),
        model(location="a", offset="far"),
        model(location="a", length="9" * 5000),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"no ONNX model|holds no network|is no number"):
        external_files(path)


def test_graphs_in_graphs_without_end(tmp_path: Path) -> None:
    message, path = b"", tmp_path / "model.onnx"
    for _ in range(300):  # an attribute (6) of a node (5) of a graph (1)
        for field in (0x32, 0x2A, 0x0A):
            message = bytes([field]) + varint(len(message)) + message
    path.write_bytes(b"\x3a" + varint(len(message)) + message)
    with pytest.raises(UsageError, match=r"no ONNX model|holds no network|is no number"):
        external_files(path)


def varint(value: int) -> bytes:
    """A number of protocol buffers."""
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])
