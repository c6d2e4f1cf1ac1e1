"""Whether the graph of an ONNX file can be computed at all: said by the name of the operator or tensor that is wrong.

Runtimes find most of this too, and say it without a name, or only when the memory is gone. Nothing here reads weights.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.clean import UNSAFE
from ..errors import UsageError, shown

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto

LARGEST_FILE = 2**31 - 1
"""Bytes that protobuf reads, and so the largest file and the largest model that ONNX's own tools take."""
MOST_ELEMENTS = 2**31
"""Of one tensor: 8 GB in float32."""
MOST_OPERATORS = 100_000
"""Of a network, each counted as often as it runs; large language models have some ten thousand, and ONNX
Runtime takes minutes to open a hundred thousand."""
MOST_ENDS = 256
"""Inputs of a network, and outputs, as in the answers of the agent."""
LONGEST_NAME = 4000
"""Characters: exporters write the path of a module and the line of its source into a name."""
SMALL = 1024
"""Elements of a constant that may be a shape."""
DOMAINS = (
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training", "com.microsoft",
    "com.microsoft.experimental", "com.microsoft.nchwc", "com.ms.internal.nhwc", "org.pytorch.aten",
)  # fmt: skip
"""Of the operators that ONNX Runtime has."""
RUNTIME_ONLY = {
    "ATen", "Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler", "ParametricSoftplus",
    "Scale", "ScaledTanh", "SimplifiedLayerNormalization",
}  # fmt: skip
"""Operators that ONNX Runtime has without a domain, though ONNX does not, or no more."""
TEXT = 8
"""ONNX's number for strings."""
OPSET_HINT = "export the network with an opset that it knows, such as 18"
SOURCE = "export the network again, or take the file from its source once more"


Key = tuple[str, str]
"""Domain and name of an operator, or of the function that it calls."""


def read_graph(path: Path) -> ModelProto:
    """An ONNX file without external data.

    Raises:
        UsageError: it is none, or too large to be read.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise UsageError(
            f"{path} has {size / 1e9:.1f} GB, and an ONNX file holds 2 GB at most",
            "save its weights as external data: onnx.save_model(..., save_as_external_data=True)",
        )
    try:
        model = onnx.load_model(path, load_external_data=False)
    except DecodeError as error:
        raise UsageError(f"{path} ({size} bytes) is no ONNX model, or not a whole one", SOURCE) from error
    if not model.graph.node or not model.graph.output:
        raise UsageError(f"{path} ({size} bytes) holds no network: it has no operators, or no outputs", SOURCE)
    return model


def check_graph(model: ModelProto, name: str) -> None:
    """Make sure that a graph has inputs of numbers, an order, known operators and tensors that memory can hold.

    Args:
        model: its large constants are taken out of it.
        name: of the file, for errors.

    Raises:
        UsageError: the first thing that is wrong, by the names of the operator and the tensor.
    """
    constants = {one.name for one in model.graph.initializer}
    if all(one.name in constants for one in model.graph.input):
        raise UsageError(f"{name} takes no inputs: its outputs are constants", "export the network with its inputs")
    inputs = [one for one in model.graph.input if one.name not in constants]
    for ends, word in ((inputs, "inputs"), (model.graph.output, "outputs")):
        if len(ends) > MOST_ENDS:
            raise UsageError(
                f"{name} has {len(ends):,} {word}, and edgekit takes {MOST_ENDS}", "export the network with fewer"
            )
    for given in model.graph.input:
        kind = given.type.WhichOneof("value") or "tensor_type"
        if kind != "tensor_type" or given.type.tensor_type.elem_type == TEXT:
            word = "text" if kind == "tensor_type" else f"a {kind.removesuffix('_type')}"
            raise UsageError(
                f"{name}: the input {given.name!r} is {word}, and edgekit feeds tensors of numbers",
                "export the network from the first tensor of numbers on",
            )
    check_operators(model, name)
    check_names(model.graph, name)
    check_order(model.graph, name)
    check_sizes(model, name)


def check_names(graph: GraphProto, name: str) -> None:
    """Make sure that no two operators have one name, with which ONNX Runtime does not open a file, that no name fills
    pages, and that those of the inputs and outputs can be shown. Of equal names, constants count for none: ONNX Runtime
    looks at names when they are gone.

    Raises:
        UsageError: two have, one does, or one cannot.
    """
    named = (*graph.initializer, *graph.input, *graph.output, *graph.node)
    for text in (*(one.name for one in named), *(word for node in graph.node for word in (*node.input, *node.output))):
        if len(text) > LONGEST_NAME:
            raise UsageError(
                f"{name} has a name of {len(text):,} characters, {shown(text)}; edgekit takes {LONGEST_NAME:,}",
                "give it a shorter one where the file is made",
            )
    for end in (*graph.input, *graph.output):
        if UNSAFE.search(end.name):
            raise UsageError(
                f"{name} has an input or output of the name {end.name!r}, which holds what steers a terminal",
                "give it another name where the file is made",
            )
    seen = set()
    for node in graph.node:
        if node.op_type == "Constant" or not node.name:
            continue
        if node.name in seen:
            raise UsageError(
                f"{name} has two operators of the name {node.name!r}, and ONNX Runtime opens no such file",
                "leave the names out: for node in model.graph.node: node.name = ''",
            )
        seen.add(node.name)


def check_operators(model: ModelProto, name: str) -> None:
    """Make sure that every operator is one that runtimes may have.

    Raises:
        UsageError: the opset is newer than the installed package onnx, or an operator is of no known kind.
    """
    from onnx import defs

    newest = defs.onnx_opset_version()
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset > newest:
        raise UsageError(f"{name} is written in opset {opset}, and onnx knows opsets up to {newest} here", OPSET_HINT)
    own = {(one.domain, one.name) for one in model.functions}
    for node in every_node(model.graph):
        if (node.domain, node.op_type) in own:
            continue
        if node.domain not in DOMAINS:
            raise UsageError(
                f"{name} has the operator {node.domain}.{node.op_type} (output {first_output(node)!r}), of a domain "
                "that no runtime here knows",
                "export the network without it",
            )
        if node.domain in ("", "ai.onnx") and not defs.has(node.op_type) and node.op_type not in RUNTIME_ONLY:
            raise UsageError(
                f"{name} has the operator {node.op_type} (output {first_output(node)!r}), which ONNX does not have",
                "export the network without it",
            )


def check_order(graph: GraphProto, name: str) -> None:
    """Make sure that everything is made by one operator, before it is read.

    Raises:
        UsageError: it is not.
    """
    given = {one.name for one in (*graph.input, *graph.initializer)} | {
        one.values.name for one in graph.sparse_initializer
    }
    makers: dict[str, NodeProto] = {}
    for node in graph.node:
        for made in filter(None, node.output):
            if made in makers or made in given:
                raise UsageError(f"{name}: the tensor {made!r} is made twice, by {told(node)} too", SOURCE)
            makers[made] = node
    wants = {id(node): list(dict.fromkeys(reads(node))) for node in graph.node}
    for node in graph.node:
        for wanted in wants[id(node)]:
            if wanted not in makers and wanted not in given:
                raise UsageError(f"{name}: {told(node)} reads the tensor {wanted!r}, which nothing makes", SOURCE)
    for end in graph.output:
        if end.name not in makers and end.name not in given:
            raise UsageError(f"{name}: nothing makes its output {end.name!r}", SOURCE)
    ring = circle(graph.node, makers, wants)
    if ring:
        raise UsageError(f"{name} has a cycle: {' feeds '.join(map(told, ring))} feeds the first again", SOURCE)


def circle(
    nodes: Iterable[NodeProto], makers: Mapping[str, NodeProto], wants: Mapping[int, Sequence[str]]
) -> list[NodeProto]:
    """Operators of which each reads what the one before makes, and the first what the last does; empty for none."""
    done: set[int] = set()
    for start in nodes:
        way: list[tuple[NodeProto, Iterator[str]]] = []
        open_: set[int] = set()
        following: NodeProto | None = start
        while following is not None or way:
            if following is not None and id(following) in open_:
                path = [node for node, _ in way]
                first = next(place for place, node in enumerate(path) if node is following)
                return path[first:][::-1]
            if following is not None and id(following) not in done:
                way.append((following, iter(wants[id(following)])))
                open_.add(id(following))
            following = None
            if way:
                node, left = way[-1]
                for wanted in left:
                    if wanted in makers and id(makers[wanted]) not in done:
                        following = makers[wanted]
                        break
                else:
                    done.add(id(node))
                    open_.discard(id(node))
                    way.pop()
    return []


def check_sizes(model: ModelProto, name: str) -> None:
    """Make sure that no tensor is larger than memory, as far as shapes are known before it runs.

    Raises:
        UsageError: one is.
    """
    import onnx

    graph = model.graph
    for constant in graph.initializer:
        check_size(name, constant.name, constant.dims)
    large = [one for one in graph.initializer if math.prod(one.dims) > SMALL]
    listed = {one.name for one in graph.input}
    for one in large:  # shapes alone matter, and weights would be copied
        if one.name not in listed:
            graph.input.append(onnx.helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)))
        graph.initializer.remove(one)
    declared = (*graph.input, *graph.output, *graph.value_info)
    try:
        inferred = tuple(onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info)
    except Exception:  # noqa: BLE001 - what ONNX cannot infer is for the runtime to judge
        inferred = ()
    for info in (*declared, *inferred):
        check_size(name, info.name, [dim.dim_value for dim in info.type.tensor_type.shape.dim])


def check_size(name: str, tensor: str, shape: Sequence[int]) -> None:
    """Make sure that a tensor is not larger than memory; sizes below 1 are not known."""
    count = math.prod(size for size in shape if size > 0)
    if count > MOST_ELEMENTS:
        raise UsageError(
            f"{name}: the tensor {tensor!r} has the shape {list(shape)}, {count:.3g} elements; "
            f"edgekit takes up to {MOST_ELEMENTS:.3g}",
            "give a smaller input with --input where its size is open, or export the network with a smaller one",
        )


def every_node(graph: GraphProto | FunctionProto) -> Iterator[NodeProto]:
    """The operators of a graph or a function, those of branches and loops too."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from every_node(inner)


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs of an operator such as If or Loop."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def reads(node: NodeProto) -> Iterator[str]:
    """What an operator needs from the graph around it, through its branches too."""
    yield from filter(None, node.input)
    for inner in subgraphs(node):
        own = {one.name for one in (*inner.input, *inner.initializer)} | {m for n in inner.node for m in n.output}
        outside = [wanted for n in inner.node for wanted in reads(n)] + [end.name for end in inner.output]
        yield from (wanted for wanted in outside if wanted not in own)


def told(node: NodeProto) -> str:
    """An operator in a message."""
    return f"{node.op_type} {(node.name or first_output(node))!r}"


def first_output(node: NodeProto) -> str:
    """What it is known by where it has no name."""
    return next((name for name in node.output if name), "")


def check_unfolded(model: ModelProto, name: str) -> None:
    """Make sure that a graph stays of bearable size when a runtime puts its functions in the places of their calls.

    Args:
        model: the file.
        name: of the file, for errors.

    Raises:
        UsageError: there are too many operators, or a function calls itself.
    """
    calls = {(one.domain, one.name): Counter((n.domain, n.op_type) for n in every_node(one)) for one in model.functions}
    count = unfolded(Counter((n.domain, n.op_type) for n in every_node(model.graph)), sizes_of(calls, name))
    if count > MOST_OPERATORS:
        raise UsageError(
            f"{name} has more than {MOST_OPERATORS:,} operators" + (", its functions unfolded" if calls else ""),
            "take the file from a source that you trust, or export the network without functions",
        )


def sizes_of(calls: dict[Key, Counter[Key]], name: str) -> dict[Key, int]:
    """How many operators each function unfolds to, at most one more than are allowed.

    Args:
        calls: by function, how often it holds which operators.
        name: of the file, for errors.

    Raises:
        UsageError: one calls itself.
    """
    sizes: dict[Key, int] = {}
    for start in calls:
        waiting, open_ = [start], set[Key]()
        while waiting:  # no recursion: the functions may call each other a hundred thousand deep
            key = waiting[-1]
            open_.add(key)
            inner = [one for one in calls[key] if one in calls and one not in sizes]
            if any(one in open_ for one in inner):
                raise UsageError(f"{name} has the function {shown(key[1])}, which calls itself", "export it again")
            waiting += inner
            if not inner:
                sizes[key] = unfolded(calls[key], sizes)
                open_.discard(waiting.pop())
    return sizes


def unfolded(calls: Counter[Key], sizes: dict[Key, int]) -> int:
    """The operators that these calls mean, at most one more than are allowed."""
    return min(sum(times * sizes.get(key, 1) for key, times in calls.items()), MOST_OPERATORS + 1)
