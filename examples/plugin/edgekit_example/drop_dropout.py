"""A rewrite: ``dropout(x) = x`` in eval mode, so the node can go. Nothing else is touched."""

from __future__ import annotations

from torch import fx, nn


def drop_dropout(graph_module: fx.GraphModule) -> int:
    """Take every dropout out of the graph; how many there were. edgekit removes what is left over."""
    modules, changed = dict(graph_module.named_modules()), 0
    for node in list(graph_module.graph.nodes):
        if node.op == "call_module" and isinstance(modules[node.target], nn.Dropout):
            node.replace_all_uses_with(node.args[0])
            changed += 1
    return changed
