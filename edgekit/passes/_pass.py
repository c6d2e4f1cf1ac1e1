"""The common part of all rewrites: they change a graph in place, count the places, and leave a clean graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from torch import fx, nn

Pass = Callable[[fx.GraphModule], int]
Modules = dict[str, Any]
"""Modules by name; Any, since no module declares the protocol :class:`~edgekit.passes.channel_flow.Permutation`."""
Module = TypeVar("Module", bound=nn.Module)


def rewrite(change: Pass) -> Pass:
    """Make a pass of a function that changes a graph in place and returns how many places it changed.

    The pass removes the nodes and modules that nothing uses any more, and compiles the graph again. What a rewrite
    requires (eval mode, propagated shapes, a pattern of nodes) it checks itself, place by place: where that does not
    hold it leaves the place alone.
    """

    @wraps(change)
    def apply(graph_module: fx.GraphModule) -> int:
        changed = change(graph_module)
        graph_module.graph.eliminate_dead_code()
        graph_module.delete_all_unused_submodules()
        graph_module.recompile()
        return changed

    return apply


def conv_like(
    conv: nn.Conv2d,
    *,
    in_channels: int | None = None,
    out_channels: int | None = None,
    groups: int | None = None,
    bias: bool | None = None,
) -> nn.Conv2d:
    """A convolution as ``conv`` is, but for what is given; its weights are new and have no values yet."""
    return nn.Conv2d(
        conv.in_channels if in_channels is None else in_channels,
        conv.out_channels if out_channels is None else out_channels,
        conv.kernel_size,  # type: ignore[arg-type]
        conv.stride,  # type: ignore[arg-type]
        conv.padding,  # type: ignore[arg-type]
        conv.dilation,  # type: ignore[arg-type]
        conv.groups if groups is None else groups,
        bias=conv.bias is not None if bias is None else bias,
        padding_mode=conv.padding_mode,
        dtype=conv.weight.dtype,
    )


def modules_of(graph_module: fx.GraphModule) -> Modules:
    """The modules of a graph, by the names that its nodes call."""
    return dict(graph_module.named_modules())


def module_of(node: fx.Node, modules: Modules) -> Any:
    """The module that a node calls; None for a node that calls none."""
    return modules.get(str(node.target)) if node.op == "call_module" else None


def calls_of(graph_module: fx.GraphModule, kind: type[Module]) -> list[tuple[fx.Node, Module]]:
    """The nodes that call a module of this type, with the module, in the order of execution."""
    modules = modules_of(graph_module)
    found = [(node, module_of(node, modules)) for node in graph_module.graph.nodes]
    return [(node, module) for node, module in found if isinstance(module, kind)]
