"""Fill up the channels inside a block with channels of zeros, for runtimes whose fast kernels want whole vectors.

    reader(chain(conv(x))) = reader'(chain'(conv'(x))),    conv' has rows of zeros more, reader' columns of zeros

ONNX Runtime computes floats in a blocked layout, but its reordering into that layout takes a multiple of four channels
only; what misses it falls back to slow kernels. In ShuffleNet V2 1.0 the depthwise convolutions of stage 2 do, with 58
channels. Its int8 depthwise kernel for x86 takes sixteen channels at a time and is slow at what is left over: 64
channels take 0.6 of the time of 58.

Precondition: dense convolutions write the channels, and dense convolutions alone read them, behind nothing or layers
that work on each channel by itself, products of such among them (squeeze-and-excite scales the channels by a gate that
another convolution writes: that one is filled up too). What the new channels hold is multiplied by zero in the readers.
Where there are only single pixels there is nothing to gain, and they are left alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import fx, nn

from ._pass import conv_like, module_of, modules_of, rewrite
from .channel_flow import call_instead, channels_of, kind_of, note_channels
from .gather_rows import is_map

Layer = TypeVar("Layer", bound=nn.Module)

MULTIPLE = 4  # ONNX Runtime's NCHWc transformer passes over a convolution whose channels do not divide by it
INT8_MULTIPLE = 16  # bytes in a vector of its int8 depthwise kernel
MOST = 1.25  # times the channels: a third more, as 24 behind a first convolution in float, costs more than it gains
PRODUCTS = (operator.mul, torch.mul)


@dataclass
class Hidden:
    """Calls between which the same channels live: the convolutions that write and read them, the rest in between."""

    writers: set[fx.Node] = field(default_factory=set)
    readers: set[fx.Node] = field(default_factory=set)
    between: set[fx.Node] = field(default_factory=set)


@rewrite
def pad_hidden(graph_module: fx.GraphModule) -> int:
    """Fill up to multiples of four, in place; returns how many blocks have more channels inside now."""
    return pad_to(graph_module, MULTIPLE, only_depthwise=False)


@rewrite
def pad_depthwise(graph_module: fx.GraphModule) -> int:
    """Fill up to multiples of sixteen what depthwise convolutions take, in place; returns how many blocks changed.

    Where that would be more than a quarter more channels, they stay as they are.
    """
    return pad_to(graph_module, INT8_MULTIPLE, only_depthwise=True)


def pad_to(graph_module: fx.GraphModule, multiple: int, only_depthwise: bool) -> int:
    """Rewrite in place; returns how many blocks have more channels inside now."""
    changed = 0
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        conv = dense_conv(node, modules)
        if conv is None or conv.out_channels % multiple == 0 or not is_map(node):
            continue
        channels = -(-conv.out_channels // multiple) * multiple
        if only_depthwise and channels > MOST * conv.out_channels:
            continue
        found = hidden(node, modules)
        if found is None or (only_depthwise and not any(is_conv(one, modules) for one in found.between)):
            continue
        fill(graph_module, found, channels)
        modules = modules_of(graph_module)
        changed += 1
    return changed


def fill(graph_module: fx.GraphModule, found: Hidden, channels: int) -> None:
    """Give the channels that live between these calls this number."""
    modules = modules_of(graph_module)
    for node in graph_module.graph.nodes:
        layer = module_of(node, modules)
        # The reader may be the very layer that writes: the call that reads is another one and gets a layer of its own.
        if node in found.writers or node in found.readers:
            assert isinstance(layer, nn.Conv2d)
            inputs = channels if node in found.readers else layer.in_channels
            outputs = channels if node in found.writers else layer.out_channels
            call_instead(graph_module, node, conv_of(layer, inputs, outputs, 1), "filled")
        elif node in found.between and isinstance(layer, nn.Conv2d):
            call_instead(graph_module, node, conv_of(layer, channels, channels, channels), "filled")
        elif node in found.between and isinstance(layer, nn.BatchNorm2d):
            call_instead(graph_module, node, norm_of(layer, channels), "filled")
        if node in found.writers or node in found.between:
            note_channels(node, channels)


def dense_conv(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Conv2d | None:
    """The convolution without groups that the node calls, if it does."""
    layer = module_of(node, modules)
    return layer if isinstance(layer, nn.Conv2d) and layer.groups == 1 else None


def is_conv(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """True for a call of a convolution."""
    return node.op == "call_module" and isinstance(modules[str(node.target)], nn.Conv2d)


def hidden(writer: fx.Node, modules: dict[str, nn.Module]) -> Hidden | None:
    """Where the channels that ``writer`` writes live; None when something reads them that cannot take more of them."""
    found = Hidden(writers={writer})
    waiting = [writer]
    while waiting:
        node = waiting.pop()
        for user in node.users:
            if dense_conv(user, modules) is not None:
                found.readers.add(user)
                continue
            if user in found.between:
                continue
            writers = origins(user, modules)
            if writers is None:
                return None
            found.between.add(user)
            waiting += [user, *(writers - found.writers)]
            found.writers |= writers
    return found


def is_product(node: fx.Node) -> bool:
    """True for a product of two tensors with the same number of channels."""
    tensors = node.all_input_nodes
    return (
        node.op == "call_function"
        and node.target in PRODUCTS
        and len(node.args) == 2
        and all(isinstance(one, fx.Node) for one in node.args)
        and len({channels_of(one) for one in tensors}) == 1
    )


def origins(node: fx.Node, modules: dict[str, nn.Module]) -> set[fx.Node] | None:
    """The dense convolutions whose channels arrive at ``node``; None when something else gives it channels."""
    if dense_conv(node, modules) is not None:
        return {node}
    if not is_product(node) and (node.op != "call_module" or kind_of(node, modules) != "carrier"):
        return None
    arriving: set[fx.Node] = set()
    for source in node.all_input_nodes:
        found = origins(source, modules)
        if found is None:
            return None
        arriving |= found
    return arriving


def conv_of(conv: nn.Conv2d, inputs: int, outputs: int, groups: int) -> nn.Conv2d:
    """The convolution with more channels, all of whose new weights and biases are zero."""
    wider = conv_like(conv, in_channels=inputs, out_channels=outputs, groups=groups)
    return filled(conv, wider, torch.zeros_like)


def norm_of(norm: nn.BatchNorm2d, channels: int) -> nn.BatchNorm2d:
    """The BN with more channels, all of whose new statistics and parameters are one."""
    wider = nn.BatchNorm2d(channels, norm.eps, affine=norm.affine, track_running_stats=norm.running_mean is not None)
    first = next((value for value in norm.state_dict().values() if value.ndim), None)
    return filled(norm, wider if first is None else wider.to(first.dtype), torch.ones_like)


def filled(old: nn.Module, new: Layer, rest: Callable[[torch.Tensor], torch.Tensor]) -> Layer:
    """``new`` with the values of ``old`` in its first channels and ``rest`` in the others."""
    values = new.state_dict()
    for name, value in old.state_dict().items():
        whole = rest(values[name])
        whole[tuple(slice(size) for size in value.shape)] = value
        values[name] = whole
    new.load_state_dict(values)
    return new.eval()
