"""What a traced network computes of its weights alone, such as a table of positions in another size, computed once.

The converters lack some of these operators, and TFLite's leaves others to every inference.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import getitem
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

LIGHT = {
    "_to_copy", "alias", "arange", "clone", "contiguous", "detach", "expand", "full", "getitem", "lift_fresh_copy",
    "ones", "permute", "reshape", "scalar_tensor", "squeeze", "t", "to", "transpose", "unsqueeze", "view", "zeros",
}  # fmt: skip
"""Operators that every converter has and computes itself: for them alone nothing is traced anew."""
CLOSE = 1e-5
"""Of the outputs before and after: a layout may change which kernel computes."""
MOST = 1 << 22
"""Elements of a result that is larger than what it is computed of, at most."""


def fold_constants(
    program: torch.export.ExportedProgram, inputs: tuple[torch.Tensor, ...]
) -> torch.export.ExportedProgram:
    """The program with such results as constants; the same program where there are none that matter.

    Args:
        program: traced, with fixed shapes.
        inputs: that it was traced with.
    """
    network = program.module()
    assert isinstance(network, fx.GraphModule)
    values, steps = known(network)
    ends = [node for node in steps if any(user not in values for user in node.users) and worthwhile(node, values)]
    if all(word(node) in LIGHT for node in ancestors(ends) if node.op == "call_function"):
        return program
    for place, node in enumerate(ends):
        name = f"constant_{place}"
        while hasattr(network, name):
            name += "_"
        network.register_buffer(name, values[node].detach().clone().contiguous())
        with network.graph.inserting_before(node):
            read = network.graph.get_attr(name)
        read.meta = dict(node.meta)
        node.replace_all_uses_with(read)
    network.graph.eliminate_dead_code()
    network.delete_all_unused_submodules()
    network.recompile()
    with torch.no_grad():
        made = torch.export.export(network, inputs, strict=False)
        same = zip(leaves(program, inputs), leaves(made, inputs), strict=True)
        return made if all(torch.allclose(one, other, CLOSE, CLOSE, True) for one, other in same) else program


def leaves(program: torch.export.ExportedProgram, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """All outputs of a program."""
    found = pytree.tree_leaves(program.module()(*(one.clone() for one in inputs)))
    return [one for one in found if isinstance(one, torch.Tensor)]


def known(network: fx.GraphModule) -> tuple[dict[fx.Node, Any], list[fx.Node]]:
    """The values that do not depend on the inputs, and the operators that make them, in order."""
    changed = ancestors([node for node in network.graph.nodes if changes_something(node)])
    written = {node.target for node in changed if node.op == "get_attr"}
    values: dict[fx.Node, Any] = {}
    steps = []
    for node in network.graph.nodes:
        if node in changed or (node.op == "get_attr" and node.target in written):
            continue
        if node.op == "get_attr":
            value = attribute(network, str(node.target))
            if isinstance(value, torch.Tensor):
                values[node] = value
        elif is_pure(node) and all(one in values for one in node.all_input_nodes):
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
            with torch.no_grad():
                values[node] = node.target(*args, **kwargs)
            steps.append(node)
    return values, steps


def changes_something(node: fx.Node) -> bool:
    """Whether an operator writes into what it reads."""
    operator: Any = node.target
    return isinstance(operator, torch._ops.OpOverload) and bool(operator._schema.is_mutable)  # noqa: SLF001 - see below


def is_pure(node: fx.Node) -> bool:
    """Whether a node is an operator that gives the same for the same every time."""
    if node.op != "call_function":
        return False
    operator = node.target
    if isinstance(operator, torch._ops.OpOverload):  # noqa: SLF001 - the type of operators has no public name
        return torch.Tag.nondeterministic_seeded not in operator.tags
    return operator is getitem


def word(node: fx.Node) -> str:
    """An operator's name without its library and its overload."""
    return node.target.__name__ if node.target is getitem else str(node.target).split(".")[1]


def ancestors(nodes: Iterable[fx.Node]) -> set[fx.Node]:
    """The nodes and all that they depend on."""
    found: set[fx.Node] = set()
    left = list(nodes)
    while left:
        node = left.pop()
        if node not in found:
            found.add(node)
            left += node.all_input_nodes
    return found


def worthwhile(node: fx.Node, values: dict[fx.Node, Any]) -> bool:
    """Whether a value is a tensor that may be stored."""
    value = values[node]
    if not isinstance(value, torch.Tensor) or not node.all_input_nodes or any(u.op == "output" for u in node.users):
        return False
    sources = [values[one] for one in ancestors([node]) if one.op == "get_attr"]
    return bool(value.numel() <= max(MOST, sum(one.numel() for one in sources)))


def attribute(network: fx.GraphModule, name: str) -> Any:
    """What a node reads, by its name with dots."""
    value: Any = network
    for part in name.split("."):
        value = getattr(value, part)
    return value
