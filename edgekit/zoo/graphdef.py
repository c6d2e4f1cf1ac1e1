"""The weights in a frozen TensorFlow graph (``.pb``): the constants of a ``GraphDef`` message, by name.

No TensorFlow is needed and nothing of the graph is run. Field numbers: graph.proto, node_def.proto, attr_value.proto
and tensor.proto of tensorflow/core/framework.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..base.protobuf import Room, Value, fields, varint

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_BYTES = 1 << 30
"""Of a file, and of what its constants say that they hold: one value may stand for all of a constant."""
NODE, NAME, OPERATOR, ATTRIBUTE = 1, 1, 2, 5
KEY, VALUE, REAL, TENSOR = 1, 2, 4, 8
KIND, SHAPE, CONTENT, FLOATS, DOUBLES = 1, 2, 4, 5, 6
KINDS = {1: "<f4", 2: "<f8", 19: "<f2"}
"""Types of real numbers by TensorFlow's number; others hold no weights."""
VERY_SMALL = 1e-9
Node = tuple[str, str, dict[str, dict[int, Value]]]
"""Name, operator and attributes."""
TF_SLIM = re.compile(r"(MobilenetV[123])[./]")
"""Beginning of the names of variables in TF-Slim's MobileNets."""


@dataclass(frozen=True)
class Graph:
    """What a frozen graph holds of a network.

    Attributes:
        constants: its real numbers by the name of the node.
        epsilons: of its batch normalisations, each once.
    """

    constants: Mapping[str, NDArray[np.floating]]
    epsilons: frozenset[float]


def is_graph(path: Path) -> bool:
    """Whether a file begins as a ``GraphDef`` does: with a node that has a name and an operator."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    try:
        number, node = next(fields(start))
        found = dict(fields(node)) if number == NODE and isinstance(node, bytes) else {}
    except (ValueError, StopIteration):
        return cut_node(start)
    return is_node(found)


def of_tf_slim(path: Path) -> bool:
    """Whether a file is a frozen graph of one of TF-Slim's MobileNets."""
    try:
        return is_graph(path) and any(TF_SLIM.match(name) for name, *_ in nodes(path))
    except ValueError:
        return False  # whoever loads the weights says what is wrong with them


def cut_node(start: bytes) -> bool:
    """The same where the first node is longer than what was read: a large constant."""
    if start[:1] != bytes([NODE << 3 | 2]):
        return False
    found: dict[int, Value] = {}
    with suppress(ValueError):  # it is cut off somewhere behind
        _, position = varint(start, 1)  # behind the node's own length
        found.update(fields(start[position:]))
    return is_node(found)


def is_node(found: Mapping[int, Value]) -> bool:
    """True for fields that have the name and the operator of a node."""
    words = [found.get(NAME), found.get(OPERATOR)]
    return all(isinstance(word, bytes) and word.isascii() and word.decode().isprintable() and word for word in words)


def read_graph(path: Path) -> Graph:
    """The constants of a frozen graph.

    Raises:
        ValueError: it is damaged, or would fill the memory.
        OSError: it cannot be read.
    """
    constants, epsilons, room, counted = {}, set(), LARGEST_BYTES, Room()
    for name, operator, attributes in nodes(path, counted):
        tensor = attributes.get("value", {}).get(TENSOR)
        if operator == "Const" and isinstance(tensor, bytes):
            array = read_tensor(tensor, room, counted)
            if array is None:
                continue
            room -= array.nbytes
            if name.endswith("/batchnorm/add/y") and array.size == 1:
                epsilons.add(float(array.reshape(())))
            constants[name] = array
        elif operator.startswith("FusedBatchNorm"):
            epsilon = attributes.get("epsilon", {}).get(REAL)
            epsilons |= {float(epsilon)} if isinstance(epsilon, float) else set()
    return Graph(constants, frozenset(round(one, 9) for one in epsilons if one > VERY_SMALL))


def nodes(path: Path, counted: Room | None = None) -> Iterator[Node]:
    """The nodes of a frozen graph, in order.

    Args:
        path: the file.
        counted: room for its fields.

    Raises:
        ValueError: it is damaged, or larger than any light network's.
        OSError: it cannot be read.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"it has more than {LARGEST_BYTES >> 30} GB")
    counted = counted or Room()
    for number, node in fields(path.read_bytes(), counted):
        if number == NODE and isinstance(node, bytes):
            yield read_node(node, counted)


def read_node(node: bytes, counted: Room) -> Node:
    """A node's name, operator and attributes.

    Raises:
        ValueError: it is damaged.
    """
    words, attributes = {NAME: "", OPERATOR: ""}, {}
    for number, value in fields(node, counted):
        if number in words and isinstance(value, bytes):
            words[number] = value.decode()
        elif number == ATTRIBUTE and isinstance(value, bytes):
            entry = dict(fields(value, counted))
            key, content = entry.get(KEY), entry.get(VALUE)
            if isinstance(key, bytes) and isinstance(content, bytes):
                attributes[key.decode()] = dict(fields(content, counted))
    return words[NAME], words[OPERATOR], attributes


def read_tensor(message: bytes, room: int, counted: Room) -> NDArray[np.floating] | None:
    """An array from a ``TensorProto`` message; None for one that holds no real numbers.

    Args:
        message: the message.
        room: bytes that it may take.
        counted: room for its fields.

    Raises:
        ValueError: it takes more, or holds less than its shape says.
    """
    kind: Value = 1
    shape: list[int] = []
    content, values = b"", bytearray()
    for number, value in fields(message, counted):
        if number == KIND:
            kind = value
        elif number == SHAPE and isinstance(value, bytes):
            shape = read_shape(value, counted)
        elif number == CONTENT and isinstance(value, bytes):
            content = value
        elif number in (FLOATS, DOUBLES):
            packed = np.float32 if number == FLOATS else np.float64
            values += value if isinstance(value, bytes) else packed(value).tobytes()
    if not isinstance(kind, int) or kind not in KINDS:
        return None
    dtype, count = np.dtype(KINDS[kind]), math.prod(shape)
    if count * dtype.itemsize > room:
        raise ValueError(f"a constant of {shape} is larger than any light network's")
    array = np.frombuffer(content or bytes(values), dtype)
    if array.size == 1:  # one value stands for all
        array = np.repeat(array, count)
    if array.size != count:
        raise ValueError(f"a constant of {shape} holds {array.size} values")
    return array.reshape(shape)


def read_shape(message: bytes, counted: Room) -> list[int]:
    """The sizes in a ``TensorShapeProto`` message.

    Raises:
        ValueError: one is negative, or it is damaged.
    """
    sizes = []
    for number, dimension in fields(message, counted):
        if number == SHAPE and isinstance(dimension, bytes):
            size = dict(fields(dimension, counted)).get(1, 0)
            if not isinstance(size, int) or size < 0:
                raise ValueError("a constant has no fixed shape")
            sizes.append(size)
    return sizes
