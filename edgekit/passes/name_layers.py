"""Give every computing node a module of its own, called by the path of the layer that it comes from.

Exporters keep module names in node or tensor names, each in its own way, but not those of functions (``x + y``), and
the passes rename what they change. After this pass, which changes no arithmetic, the layer of an operator in a
converted file can be told, and quantization can leave it out or be blamed on it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from torch import fx, nn

from ..types import Layer

ALIASES = {
    "hardswish": "hard-swish",
    "hardsigmoid": "hard-sigmoid",
    "re-lu": "relu",
    "re-lu6": "relu",
    "conv2d": "conv",
    "max-pool2d": "max-pool",
    "avg-pool2d": "average-pool",
    "adaptive-avg-pool2d": "average-pool",
    "mean": "average-pool",
    "cat": "concat",
}
COMPUTE = (nn.Conv2d, nn.Linear)
BEHIND_STEM = {"relu", "hard-swish", "max-pool"}


class Apply(nn.Module):
    """A function or tensor method as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        return self.function(*args, **kwargs)


def name_layers(graph_module: fx.GraphModule) -> tuple[Layer, ...]:
    """Rename in place; returns the layers in the order in which they compute.

    Nodes that only move data (slices, and concatenations that a pass has put in) stay as they are.
    """
    modules = dict(graph_module.named_modules())
    paths: dict[fx.Node, str] = {}
    kinds: dict[fx.Node, tuple[str, ...]] = {}
    layers: dict[fx.Node, nn.Module] = {}
    for node in graph_module.graph.nodes:
        stack = node.meta.get("nn_module_stack") or {}
        if node.op == "call_module":
            layers[node] = modules[str(node.target)]
            path, own = module_path(stack) or str(node.target), module_kinds(layers[node])
        elif stack and node.op in ("call_function", "call_method") and is_tensor(node):
            layers[node] = Apply(function_of(node))
            word = function_name(node)
            path, own = f"{module_path(stack)}.{word}".lstrip("."), (ALIASES.get(word, word.replace("_", "-")),)
        else:
            continue
        paths[node] = unique(path, paths.values())
        kinds[node] = own + stack_kinds(stack)
    names: dict[fx.Node, str] = {}
    taken = set(dict(graph_module.named_children()))
    for node, path in paths.items():
        names[node] = unique(path.replace(".", "_"), {*names.values(), *taken})
        graph_module.add_submodule(names[node], layers[node])
        node.op, node.target = "call_module", names[node]
        # The ONNX exporter goes by this stack, the others by the modules.
        node.meta["nn_module_stack"] = {names[node]: (names[node], type(layers[node]))}
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    ends = [node for node in paths if isinstance(layers[node], COMPUTE)]
    places = {
        "first": set(ends[:1]),
        "stem": set(stem(ends[0], layers) if ends else []),
        "early": early(graph_module.graph, ends[:1]),
        "last": set(ends[-1:]),
    }
    return tuple(
        Layer(
            name=names[node],
            path=path,
            kinds=tuple(dict.fromkeys([*kinds[node], *(word for word, nodes in places.items() if node in nodes)])),
            feeds=tuple(names[user] for user in node.users if user in names),
        )
        for node, path in paths.items()
    )


def stem(first: fx.Node, layers: dict[fx.Node, nn.Module]) -> list[fx.Node]:
    """The first layer, and the activation and the max pooling behind it where nothing else reads what they take."""
    found = [first]
    while len(found[-1].users) == 1:
        node = next(iter(found[-1].users))
        if node not in layers or not BEHIND_STEM & set(module_kinds(layers[node])):
            break
        found.append(node)
    return found


def early(graph: fx.Graph, first: Sequence[fx.Node]) -> set[fx.Node]:
    """The first layer, what gives a map more than twice as high as the last, and all that such a map is made of."""
    heights = {node: height(node) for node in graph.nodes}
    last = min((found for found in heights.values() if found > 1), default=0)
    chosen = set(first)
    for node in reversed(graph.nodes):
        if heights[node] > 2 * last or any(user in chosen for user in node.users):
            chosen.add(node)
    return chosen


def height(node: fx.Node) -> int:
    """Of the map that a node gives, ``(N, C, H, W)``; 0 for anything else."""
    shape: Sequence[int] = getattr(node.meta.get("tensor_meta"), "shape", ())
    return shape[2] if len(shape) == 4 else 0


def module_path(stack: dict[str, Any]) -> str:
    """The innermost module that a node belongs to; empty for none and for the network itself."""
    return str(next(reversed(stack.values()))[0]) if stack else ""


def module_kinds(module: nn.Module) -> tuple[str, ...]:
    """The words for a layer by its class; a convolution has one more by its groups."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(module).__name__).lower()
    # A module that a rewrite inserts names its own kind.
    word = str(getattr(module, "kind", ALIASES.get(word, word)))
    if not isinstance(module, nn.Conv2d):
        return (word,)
    if module.groups == 1:
        return (word, "pointwise-conv" if set(module.kernel_size) == {1} else "dense-conv")
    return (word, "depthwise-conv" if module.groups == module.in_channels else "grouped-conv")


def stack_kinds(stack: dict[str, Any]) -> tuple[str, ...]:
    """The words for the blocks that a node belongs to."""
    return ("squeeze-excite",) if any(kind.__name__ == "SqueezeExcite" for _, kind in stack.values()) else ()


def is_tensor(node: fx.Node) -> bool:
    """True for a node whose propagated result is one tensor and that computes: slicing and indexing do not."""
    return hasattr(node.meta.get("tensor_meta"), "shape") and node.target is not operator.getitem


def function_of(node: fx.Node) -> Callable[..., Any]:
    """The function that the node calls; a method becomes a function of the tensor and the arguments."""
    return node.target if callable(node.target) else method(str(node.target))


def method(name: str) -> Callable[..., Any]:
    """The tensor method ``name`` as a function."""
    return lambda tensor, *args, **kwargs: getattr(tensor, name)(*args, **kwargs)


def function_name(node: fx.Node) -> str:
    """The plain word for the function that a node calls."""
    return (node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node))).strip("_")


def unique(wanted: str, taken: Any) -> str:
    """``wanted``, or the first of ``wanted_1``, ``wanted_2``, … that is free."""
    used = set(taken)
    number = 0
    name = wanted
    while name in used:
        number += 1
        name = f"{wanted}_{number}"
    return name
