"""Pad max pooling behind a ReLU with zeros in front, not with minus infinity inside, for TFLite.

No window of such a pooling lies in the padding alone and nothing in it is negative, so a zero never wins wrongly. The
converter makes PADV2 of infinite padding, which XNNPACK does not take; PAD with zeros it takes. Rounding up
(``ceil_mode``) becomes padding on the right and at the bottom.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import module_of, modules_of, rewrite

NOT_NEGATIVE = (nn.ReLU, nn.ReLU6, nn.Hardsigmoid, nn.Sigmoid)


class ZeroPaddedMaxPool(nn.Module):
    """``(N, C, H, W)`` not negative, to the maximum of each window.

    Args:
        pad: zeros on the left, on the right, at the top and at the bottom.
    """

    kind = "max-pool"

    def __init__(self, pool: nn.MaxPool2d, pad: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.pad = pad
        self.pool = nn.MaxPool2d(pool.kernel_size, pool.stride)

    def forward(self, x: Tensor) -> Tensor:
        """Pad, then pool."""
        made: Tensor = self.pool(nn.functional.pad(x, self.pad))
        return made


@rewrite
def zero_pad_pool(graph_module: fx.GraphModule) -> int:
    """Rewrite in place, on a graph with propagated shapes; returns how many."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        pool = module_of(node, modules)
        if not isinstance(pool, nn.MaxPool2d) or pool.return_indices or pair(pool.dilation) != (1, 1):
            continue
        source = node.all_input_nodes[0]
        if not is_not_negative(source, modules) or not (shape_of(source) and shape_of(node)):
            continue
        pad = padding_of(pool, shape_of(source), shape_of(node))
        if any(pad):
            name = f"{str(node.target).replace('.', '_')}_padded"
            graph_module.add_submodule(name, ZeroPaddedMaxPool(pool, pad).eval())
            node.target = name
            changed += 1
    return changed


def is_not_negative(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for the result of an activation that has no negative values, or of a concatenation of such."""
    if node.op == "call_function" and node.target is torch.cat:
        return all(is_not_negative(part, modules) for part in node.all_input_nodes)
    if node.op == "call_function":
        return node.target in (nn.functional.relu, nn.functional.relu6, torch.relu)
    return node.op == "call_module" and isinstance(modules[str(node.target)], NOT_NEGATIVE)


def padding_of(pool: nn.MaxPool2d, given: list[int], made: list[int]) -> tuple[int, int, int, int]:
    """Zeros on the left, on the right, at the top and at the bottom, for these heights and widths."""
    pads = []
    for axis in (1, 0):
        before = pair(pool.padding)[axis]
        needed = (made[axis] - 1) * pair(pool.stride)[axis] + pair(pool.kernel_size)[axis]
        # Floor mode may leave the last rows unread: nothing is cut off, they are just not reached.
        pads += [before, max(0, needed - given[axis] - before)]
    return pads[0], pads[1], pads[2], pads[3]


def pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """A size per axis."""
    return (value, value) if isinstance(value, int) else tuple(value)


def shape_of(node: fx.Node) -> list[int]:
    """Height and width of a tensor whose shape was propagated; empty for what has none."""
    shape = list(getattr(node.meta.get("tensor_meta"), "shape", ()))
    return [int(size) for size in shape[2:]] if len(shape) == 4 else []
