"""Store what a gather of channels reads as NCHW, for TFLite.

On NHWC data a gather of channels copies numbers one by one; stored as NCHW a channel is one row, and TFLite's GATHER
copies rows (CondenseNet in float32: half of the time). What was concatenated before is stored so as well, each part
when it is made, because new features are few and their sum is large; the gathered channels are transposed back for the
convolution that reads them. Nothing changes but the layout.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ._pass import rewrite
from .channel_flow import is_gather


class ChannelsFirst(nn.Module):
    """``(N, C, H, W)``, laid out in memory in that order."""

    def forward(self, x: Tensor) -> Tensor:
        """The same values."""
        return x.contiguous()


@rewrite
def gather_rows(graph_module: fx.GraphModule) -> int:
    """Rewrite in place; returns how many gathers of channels read rows now."""
    gathers = [node for node in graph_module.graph.nodes if is_gather(node) and is_map(node)]
    stored: dict[fx.Node, fx.Node] = {}
    for gather in gathers:
        for part in parts(gather.args[0]):
            if part not in stored:
                stored[part] = laid_out(graph_module, part)
    return len(gathers)


def is_map(node: fx.Node) -> bool:
    """True for a tensor of four dimensions with more than one pixel."""
    shape = tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))
    return len(shape) == 4 and shape[2] * shape[3] > 1


def parts(source: object) -> list[fx.Node]:
    """The nodes that ``source`` is concatenated from, itself when it is not."""
    if not isinstance(source, fx.Node):
        return []
    if source.op == "call_function" and source.target is torch.cat:
        return [part for one in source.all_input_nodes for part in parts(one)]
    return [source]


def laid_out(graph_module: fx.GraphModule, part: fx.Node) -> fx.Node:
    """``part`` as NCHW for the gathers and concatenations that read it; every other reader keeps it as it is."""
    name = f"{part.name}_channels_first"
    graph_module.add_submodule(name, ChannelsFirst())
    readers = [n for n in part.users if n.op == "call_function" and n.target in (torch.cat, torch.index_select)]
    with graph_module.graph.inserting_after(part):
        node = graph_module.graph.call_module(name, (part,))
    node.meta = dict(part.meta)
    for reader in readers:
        reader.replace_input_with(part, node)
    return node
