"""What the lowering of every operator shares: values, constants, padding, the order in which dimensions are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import Graph
from .window import Window

NONE, RELU, RELU6 = 0, 1, 3  # the schema's ActivationFunctionType
SAME, VALID = 0, 1  # the schema's Padding
CHANNELS_LAST = (0, 3, 1, 2)
FUSING = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "AVERAGE_POOL_2D", "MAX_POOL_2D"}
WITH_BIAS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


class NotWritable(Exception):  # noqa: N818 - an answer, not a failure: another converter takes the network
    """The network has an operator, or a use of one, that this writer does not know."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph as PyTorch sees it.

    Attributes:
        tensor: index in the graph.
        shape: as stored.
        order: dimension ``i`` of PyTorch's view is stored as dimension ``order[i]``.
        op: index of the operator that computes it; None for the input.
        shared: more than one reader.
    """

    tensor: int
    shape: tuple[int, ...]
    order: tuple[int, ...]
    op: int | None = None
    shared: bool = False

    @property
    def view(self) -> tuple[int, ...]:
        """The shape that PyTorch sees."""
        return tuple(self.shape[d] for d in self.order)


class Writer:
    """Writes operators into a graph; ``label`` names what is being written, for tensors and messages."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.label = ""

    def emit(
        self, kind: str, inputs: Sequence[int], shape: Sequence[int], order: tuple[int, ...], **options: Any
    ) -> Value:
        """An operator and the float tensor that it computes."""
        tensor = self.graph.tensor(self.label, shape)
        return Value(tensor, tuple(shape), order, self.graph.add(kind, inputs, tensor, **options))

    def constant(self, data: Any, dtype: type = np.float32) -> int:
        """A constant tensor."""
        return self.graph.constant(self.label, np.asarray(data, dtype))

    def stored(self, value: Value, order: tuple[int, ...]) -> Value:
        """The value with its dimensions stored in another order; moving dimensions of size 1 costs a reshape only."""
        if value.order == order:
            return value
        if len(order) != len(value.order):
            raise NotWritable(f"{self.label}: {len(value.order)} dimensions where {len(order)} are expected")
        wanted = [0] * len(order)
        for dim, place in enumerate(order):
            wanted[place] = value.order[dim]
        shape = tuple(value.shape[d] for d in wanted)
        moved = [d for d in wanted if value.shape[d] > 1]
        if moved == sorted(moved):
            dims = np.asarray(shape, np.int32)
            return self.emit("RESHAPE", [value.tensor, self.constant(dims, np.int32)], shape, order, newShape=dims)
        return self.emit("TRANSPOSE", [value.tensor, self.constant(wanted, np.int32)], shape, order)

    def pad(self, value: Value, before: tuple[int, int], after: tuple[int, int]) -> Value:
        """Zeros around the rows and columns of an NHWC value."""
        (n, h, w, c), rows, columns = value.shape, (before[0], after[0]), (before[1], after[1])
        table = self.constant([(0, 0), rows, columns, (0, 0)], np.int32)
        shape = (n, h + sum(rows), w + sum(columns), c)
        return self.emit("PAD", [value.tensor, table], shape, CHANNELS_LAST)

    def framed(self, value: Value, windows: list[Window]) -> tuple[Value, int]:
        """The value, padded where TFLite's own ways to pad do not read what PyTorch reads, and the way to take."""
        if all(w.is_valid for w in windows):
            return value, VALID
        if all(w.is_same for w in windows):
            return value, SAME
        (top, left), (bottom, right) = ([w.pad for w in windows], [w.after for w in windows])
        return self.pad(value, (top, left), (bottom, right)), VALID


def array(tensor: Any) -> Any:
    """A parameter as a NumPy array."""
    return tensor.detach().numpy()
