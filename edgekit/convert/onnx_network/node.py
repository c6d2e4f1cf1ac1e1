"""One operator of an ONNX graph, with what is known of it before the network runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


class NotKnown(Exception):  # noqa: N818 - an answer: the caller says which operator and file it is
    """An operator, or a use of one, that has no counterpart here."""


@dataclass(frozen=True)
class Node:
    """An operator.

    Attributes:
        kind: the operator's type, as ``Conv``.
        opset: of the file; some operators changed.
        inputs, outputs: names; an input that is left out is empty.
        attributes: plain values by name.
        known: the inputs whose values do not depend on the network's, by place.
    """

    kind: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[int, Tensor] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return place < len(self.inputs) and bool(self.inputs[place])

    def value(self, place: int) -> Any:
        """The value of an input as a number or nested lists; None where it is left out.

        Raises:
            NotKnown: it depends on the network's inputs.
        """
        if not self.has(place):
            return None
        if place not in self.known:
            raise NotKnown(f"its input {self.inputs[place]!r} depends on the network's input")
        return self.known[place].tolist()

    def setting(self, name: str, place: int, default: Any = None) -> Any:
        """What older opsets have as an attribute and newer ones as an input."""
        if name in self.attributes:
            return self.attributes[name]
        value = self.value(place)
        return default if value is None else value


Operator = Callable[..., Tensor | tuple[Tensor, ...]]
"""Takes the node and its inputs, None for those left out, and computes the outputs."""

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
}
"""ONNX's numbers for types."""
