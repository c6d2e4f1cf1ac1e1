"""Padding in a word becomes the same padding in numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.convert.any.operators.worded_padding import WORDED, with_numbers

CASES = {
    "odd kernel": (nn.Conv1d(4, 6, 3, padding="same", dilation=2), (1, 4, 20)),
    "even kernel": (nn.Conv1d(4, 6, 4, padding="same", bias=False), (1, 4, 20)),
    "two dimensions": (nn.Conv2d(4, 6, (3, 4), padding="same", groups=2), (1, 4, 9, 10)),
    "valid": (nn.Conv2d(4, 6, 3, stride=2, padding="valid"), (1, 4, 9, 10)),
    "three dimensions": (nn.Conv3d(2, 3, (1, 2, 3), padding="same"), (1, 2, 4, 5, 6)),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_computes_the_same(kind: str) -> None:
    layer, shape = CASES[kind]
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(nn.Sequential(layer, nn.ReLU()).eval(), (x,)).module()
    assert isinstance(program, torch.fx.GraphModule)
    assert any(node.target in WORDED for node in program.graph.nodes)
    expected = program(x)
    made = with_numbers(program)
    assert not any(node.target in WORDED for node in program.graph.nodes)
    assert torch.allclose(made(x), expected, atol=1e-6)
