"""Conditions of an ONNX graph: a branch in place of an If whose condition is known, both where it is not.

onnxsim takes branches too, but breaks graphs in which one is inside another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ...errors import UsageError
from .onnx_small import fold_small

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

MOST_ROUNDS = 32
"""Of conditions inside conditions; a file with more keeps what is left."""


def without_known_branches(model: ModelProto) -> ModelProto:
    """A model without the Ifs whose condition follows from the shapes; ``model`` itself where there are none.

    Args:
        model: with fixed input shapes.
    """
    for _ in range(MOST_ROUNDS):
        ifs = [node for node in model.graph.node if node.op_type == "If"]
        if not ifs:
            break
        model, known = fold_small(model)
        ifs = [node for node in model.graph.node if node.op_type == "If" and node.input[0] in known]
        if not ifs:
            break
        for node in ifs:
            held = bool(known[node.input[0]].reshape(-1)[0])
            take(model.graph, node, [("then_branch" if held else "else_branch", "")])
    return model


def with_both_branches(model: ModelProto) -> ModelProto:
    """A copy in which every If computes both branches and takes the values of one.

    Raises:
        UsageError: the branches of one give two shapes.
    """
    from onnx import ModelProto as Model

    made = Model()
    made.CopyFrom(model)
    results = set()
    while ifs := [one for one in made.graph.node if one.op_type == "If"]:
        results |= set(ifs[0].output)
        take(made.graph, ifs[0], [("then_branch", "/then"), ("else_branch", "/else")])
    if results:
        del made.graph.value_info[:]
        refuse_two_shapes(made, results)
    return made


def refuse_two_shapes(model: ModelProto, results: Collection[str]) -> None:
    """Make sure that what is chosen between has one shape: a Where would spread the smaller one.

    Raises:
        UsageError: it has not.
    """
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {one.name: list(one.dims) for one in graph.initializer}
    for one in (*graph.input, *graph.value_info, *graph.output):
        if one.type.tensor_type.HasField("shape"):
            shapes[one.name] = [dim.dim_value or dim.dim_param or "?" for dim in one.type.tensor_type.shape.dim]
    for node in graph.node:
        if node.op_type != "Where" or node.output[0] not in results:
            continue
        yes, no = (shapes.get(name, ["?"]) for name in node.input[1:])
        if yes != no:
            raise UsageError(
                f"the file has the operator If (output {node.output[0]!r}), whose branches give {yes} and {no}: its "
                "condition depends on the input, and an artifact has one shape",
                "give both branches one shape, or name --format onnx",
            )


def take(graph: GraphProto, node: NodeProto, branches: list[tuple[str, str]]) -> None:
    """Put branches of an If in its place; of two, the values are chosen by its condition.

    Args:
        graph: changes in place.
        node: the If.
        branches: attributes that hold them, each with what its outputs' names end in.
    """
    from onnx import helper

    held = {one.name: one.g for one in node.attribute}
    nodes: list[NodeProto] = []
    made = []
    for word, end in branches:
        branch = renamed(held[word], names_of(graph) | {name for one in nodes for name in one.output}, end)
        graph.initializer.extend(branch.initializer)
        nodes.extend(branch.node)
        made.append([one.name for one in branch.output])
    if len(made) == 1:
        for name, result in zip(made[0], node.output, strict=True):
            nodes.append(helper.make_node("Identity", [name], [result]))
    else:
        chosen = f"{node.output[0]}/condition"
        nodes.append(helper.make_node("Squeeze", [node.input[0]], [chosen]))  # some have one dimension, of size 1
        for yes, no, result in zip(*made, node.output, strict=True):
            nodes.append(helper.make_node("Where", [chosen, yes, no], [result]))
    place = next(number for number, one in enumerate(graph.node) if one is node or one == node)
    before, after = list(graph.node[:place]), list(graph.node[place + 1 :])
    del graph.node[:]
    graph.node.extend([*before, *nodes, *after])


def names_of(graph: GraphProto) -> set[str]:
    """Names of all values of a graph, without those inside its branches."""
    made = {name for node in graph.node for name in node.output}
    return made | {one.name for one in (*graph.input, *graph.initializer)}


def renamed(branch: GraphProto, taken: set[str], end: str) -> GraphProto:
    """A copy of a branch in which nothing has a name that is taken: two branches may use the same ones."""
    from onnx import GraphProto as Graph

    made = Graph()
    made.CopyFrom(branch)
    own = [*(name for node in made.node for name in node.output if name), *(one.name for one in made.initializer)]
    used = taken | set(own)
    new: dict[str, str] = {}
    for name in own:
        if name not in taken:
            continue
        number = 0
        while (other := f"{name}{end or '/inner'}{number or ''}") in used:
            number += 1
        new[name] = other
        used.add(other)
    rename(made, new)
    for node in made.node:
        node.name = ""  # which may be another's, and means nothing
    return made


def rename(graph: GraphProto, new: Mapping[str, str]) -> None:
    """Other names for the values of a graph and of the branches inside it, in place."""
    for one in (*graph.initializer, *graph.output, *graph.value_info):
        one.name = new.get(one.name, one.name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new.get(name, name) for name in names]
        for inner in inner_graphs([node]):
            rename(inner, new)


def inner_graphs(nodes: Iterable[NodeProto]) -> Iterator[GraphProto]:
    """The graphs that are attributes of operators."""
    from onnx import AttributeProto

    for node in nodes:
        for one in node.attribute:
            if one.type == AttributeProto.GRAPH:
                yield one.g
