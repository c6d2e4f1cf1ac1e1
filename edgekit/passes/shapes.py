"""The shapes of a graph's tensors, for the passes.

What ``torch.fx.passes.shape_prop`` does beyond that (fake tensors, memory formats, symbolic shapes) costs two CPU
seconds a network.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch.fx.node import map_aggregate


class TensorMeta(NamedTuple):
    """Of a tensor that a node makes."""

    shape: torch.Size
    dtype: torch.dtype


class Shapes(fx.Interpreter):
    """Runs a graph and notes in ``node.meta["tensor_meta"]`` what each node makes: tensors, or tuples of them."""

    def run_node(self, node: fx.Node) -> Any:
        """The node's result, as it is."""
        made = super().run_node(node)
        metas: list[TensorMeta] = []

        def look(part: Any) -> Any:
            if not isinstance(part, Tensor):
                return part
            metas.append(TensorMeta(part.shape, part.dtype))
            return metas[-1]

        noted = map_aggregate(made, look)
        if metas:
            node.meta["tensor_meta"] = noted
        return made


def propagate_shapes(graph_module: fx.GraphModule, sample: Tensor) -> None:
    """Note the shapes that the tensors have for an input like ``sample``, in place."""
    with torch.no_grad():
        Shapes(graph_module).run(sample)
