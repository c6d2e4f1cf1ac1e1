"""Who reads what in an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def readers_of(model: ModelProto) -> dict[str, list[NodeProto]]:
    """The operators that read each tensor, in the graph's order; one that reads a tensor twice is there once."""
    found: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in dict.fromkeys(node.input):
            found.setdefault(name, []).append(node)
    return found
