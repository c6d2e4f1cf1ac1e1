"""Remove the constants that no node reads: ONNX Runtime warns of each whenever it loads the file.

Rewrites leave them behind: the axes of a mean that became a pooling, the scales of an input or output made integer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto


def drop_unused(model: ModelProto) -> list[str]:
    """Remove them in place, in subgraphs too; their names."""
    return [name for graph in graphs_in(model.graph) for name in drop_from(graph)]


def drop_from(graph: GraphProto) -> list[str]:
    """Remove those of one graph."""
    kept = names_read(graph)
    # The caller may give an input that has a constant as its default, and read one that is an output.
    kept |= {value.name for value in (*graph.input, *graph.output)}
    dense = [tensor for tensor in graph.initializer if tensor.name not in kept]
    sparse = [tensor for tensor in graph.sparse_initializer if tensor.values.name not in kept]
    for tensor in dense:
        graph.initializer.remove(tensor)
    for tensor in sparse:
        graph.sparse_initializer.remove(tensor)
    dropped = [*(tensor.name for tensor in dense), *(tensor.values.name for tensor in sparse)]
    for value in [value for value in graph.value_info if value.name in dropped]:
        graph.value_info.remove(value)
    return dropped


def names_read(graph: GraphProto) -> set[str]:
    """What a graph's nodes read, and those of its subgraphs: they see the constants of the graphs around them."""
    names = set()
    for inner in graphs_in(graph):
        names |= {name for node in inner.node for name in node.input}
        names |= {value.name for value in inner.output}
        names |= {entry.value for note in inner.quantization_annotation for entry in note.quant_parameter_tensor_names}
    return names


def graphs_in(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and all below it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from graphs_in(inner)
