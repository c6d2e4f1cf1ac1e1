from __future__ import annotations

import torch
from torch import nn

from edgekit.convert.any.plain_operators import with_plain_operators


class Net(nn.Module):
    """One-hot numbers, and a check that is not an assert of Python's."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of the place of the largest value."""
        torch._assert_async((x > -9).all(), "too small")
        return nn.functional.one_hot(x.argmax(1), 5)


def test_one_hot_becomes_a_comparison_and_checks_go() -> None:
    x = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(Net(), (x,), strict=False).module()
    expected = program(x)
    made = with_plain_operators(program)
    assert torch.equal(made(x), expected)
    assert made(x).dtype == expected.dtype
    names = {str(node.target) for node in made.graph.nodes}
    assert not any("one_hot" in name or "_assert" in name for name in names)
