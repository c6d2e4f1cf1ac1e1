"""Write a concatenation of many tensors as a tree of narrow ones, for TFLite: XNNPACK takes at most four inputs.

A wider one leaves the delegate, and everything around it pays for the crossing.
"""

from __future__ import annotations

import torch
from torch import fx

MAX_INPUTS = 4


def split_wide_concat(graph_module: fx.GraphModule) -> int:
    """Split in place; returns how many concatenations were too wide."""
    changed = 0
    graph = graph_module.graph
    for node in list(graph.nodes):
        if node.op != "call_function" or node.target is not torch.cat or len(node.args) == 0:
            continue
        parts = node.args[0]
        if not isinstance(parts, (list, tuple)) or len(parts) <= MAX_INPUTS:
            continue
        rest = {"args": node.args[1:], "kwargs": node.kwargs}
        while len(parts) > MAX_INPUTS:
            with graph.inserting_before(node):
                groups = [list(parts[i : i + MAX_INPUTS]) for i in range(0, len(parts), MAX_INPUTS)]
                parts = [
                    graph.call_function(torch.cat, (group, *rest["args"]), rest["kwargs"])
                    if len(group) > 1
                    else group[0]
                    for group in groups
                ]
        node.args = (list(parts), *node.args[1:])
        changed += 1
    graph_module.recompile()
    return changed
