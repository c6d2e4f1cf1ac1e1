"""Shapes of tensors, of tuples of them, and of what is no tensor."""

from __future__ import annotations

import torch
from torch import fx, nn

from edgekit.passes.shapes import propagate_shapes


class Split(nn.Module):
    """Halves its channels and adds them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, 1)
        return (first + second).reshape(x.size(0), -1)


def test_every_tensor_has_its_shape():
    traced = fx.symbolic_trace(Split())
    propagate_shapes(traced, torch.zeros(2, 6, 4, 4))
    noted = {node.name: node.meta.get("tensor_meta") for node in traced.graph.nodes}
    assert noted["x"].shape == (2, 6, 4, 4)
    assert noted["x"].dtype == torch.float32
    assert [part.shape for part in noted["chunk"]] == [(2, 3, 4, 4)] * 2
    assert noted["reshape"].shape == (2, 48)
    assert noted["size"] is None
