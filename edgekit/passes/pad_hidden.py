"""Fill up the channels inside a block with channels of zeros, for runtimes whose fast kernels want a multiple of four.

    reader(chain(conv(x))) = reader'(chain'(conv'(x))),    conv' has rows of zeros more, reader' columns of zeros

ONNX Runtime computes in a blocked layout, but its reordering into that layout takes a multiple of four channels only;
what misses it falls back to slow kernels. In ShuffleNet V2 1.0 the depthwise convolutions of stage 2 do, with 58
channels. Precondition: a dense convolution writes the channels, and one dense convolution alone reads them, behind
nothing or layers that work on each channel by itself. What the new channels hold is multiplied by zero there. Single
pixels, as in squeeze-and-excite, are left alone: there is nothing to gain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import fx, nn

from .channel_flow import call_instead, kind_of, note_channels
from .gather_rows import is_map

Layer = TypeVar("Layer", bound=nn.Module)

MULTIPLE = 4  # ONNX Runtime's NCHWc transformer passes over a convolution whose channels do not divide by it


def pad_hidden(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many convolutions write more channels now."""
    changed = 0
    for node in graph_module.graph.nodes:
        modules = dict(graph_module.named_modules())
        conv = dense_conv(node, modules)
        if conv is None or conv.out_channels % MULTIPLE == 0 or not is_map(node):
            continue
        found = hidden(node, modules)
        if found is None:
            continue
        chain, reader = found
        channels = -(-conv.out_channels // MULTIPLE) * MULTIPLE
        call_instead(graph_module, node, conv_of(conv, conv.in_channels, channels, 1), "filled")
        for between in chain:
            layer = modules[str(between.target)]
            if isinstance(layer, nn.Conv2d):
                call_instead(graph_module, between, conv_of(layer, channels, channels, channels), "filled")
            elif isinstance(layer, nn.BatchNorm2d):
                call_instead(graph_module, between, norm_of(layer, channels), "filled")
        # The reader may be the very layer that writes: the call that reads is another one and gets a layer of its own.
        last = modules[str(reader.target)]
        assert isinstance(last, nn.Conv2d)
        call_instead(graph_module, reader, conv_of(last, channels, last.out_channels, 1), "filled")
        for wider in (node, *chain):
            note_channels(wider, channels)
        changed += 1
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return changed


def dense_conv(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Conv2d | None:
    """The convolution without groups that the node calls, if it does."""
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    return layer if isinstance(layer, nn.Conv2d) and layer.groups == 1 else None


def hidden(node: fx.Node, modules: dict[str, nn.Module]) -> tuple[list[fx.Node], fx.Node] | None:
    """The layers behind ``node`` that work on each channel by itself, and the dense convolution that reads them."""
    chain: list[fx.Node] = []
    while len(node.users) == 1:
        node = next(iter(node.users))
        if dense_conv(node, modules) is not None:
            return chain, node
        if node.op != "call_module" or kind_of(node, modules) != "carrier":
            return None
        chain.append(node)
    return None


def conv_of(conv: nn.Conv2d, inputs: int, outputs: int, groups: int) -> nn.Conv2d:
    """The convolution with more channels, all of whose new weights and biases are zero."""
    return filled(
        conv,
        nn.Conv2d(
            inputs,
            outputs,
            conv.kernel_size,  # type: ignore[arg-type]
            conv.stride,  # type: ignore[arg-type]
            conv.padding,  # type: ignore[arg-type]
            conv.dilation,  # type: ignore[arg-type]
            groups,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
            dtype=conv.weight.dtype,
        ),
        torch.zeros_like,
    )


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
