"""A TFLite artifact with a transpose and its inverse put before its last operator that has weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.types import Stored

from .edit import add_tensor, edited, operator


def with_transpose(stored: Stored, scratch: Path) -> Stored:
    """The artifact so changed, in a folder of ``scratch``; it computes the same.

    Raises:
        ValueError: the file has no such operator on a tensor of four dimensions.
    """
    return edited(stored, scratch, "transposed", put_transposes)


def put_transposes(schema: Any, model: Any) -> None:
    """Put the two into a model.

    Raises:
        ValueError: as :func:`with_transpose`.
    """
    graph = model.subgraphs[0]
    places = [n for n in range(len(graph.operators)) if takes_map(graph, graph.operators[n])]
    if not places:
        raise ValueError("no operator with weights takes a map of channels")
    number = places[-1]
    turned = insert(schema, model, number, graph.operators[number].inputs[0], (0, 3, 1, 2))
    back = insert(schema, model, number + 1, turned, (0, 2, 3, 1))
    last = graph.operators[number + 2]
    last.inputs = [back, *(int(tensor) for tensor in last.inputs[1:])]


def takes_map(graph: Any, operator: Any) -> bool:
    """Whether an operator takes a map of channels and has weights."""
    return len(operator.inputs) == 3 and len(graph.tensors[operator.inputs[0]].shape) == 4


def insert(schema: Any, model: Any, at: int, tensor: int, order: tuple[int, ...]) -> int:
    """Put a TRANSPOSE of ``tensor`` at place ``at`` of the operators; its output."""
    graph = model.subgraphs[0]
    given = graph.tensors[tensor]
    content = b"".join(axis.to_bytes(4, "little") for axis in order)
    axes = add_tensor(schema, model, f"order{at}", schema.TensorType.INT32, [len(order)], content)
    made = add_tensor(schema, model, f"turned{at}", given.type, [int(given.shape[axis]) for axis in order])
    graph.tensors[made].quantization = given.quantization
    graph.operators.insert(at, operator(schema, model, "TRANSPOSE", 2, [tensor, axes], [made]))
    return made
