"""What a network computes of its weights alone is a constant afterwards; all else stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from edgekit.artifacts.own.constants import fold_constants

ROWS = torch.randn(1, 4, 8, 8)


class Of(nn.Module):
    """A table of weights, and what becomes of it."""

    def __init__(self, made: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 4, 5, 5))
        self.register_buffer("count", torch.zeros(1, 4, 8, 8))
        self.made = made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        return self.made(self, x)


def words(program: torch.export.ExportedProgram) -> list[str]:
    """The operators."""
    return [str(node.target).split(".")[1] for node in program.graph.nodes if node.op == "call_function"]


def resized(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + functional.interpolate(network.table, (8, 8), mode="bicubic", antialias=True)


def filled(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    mask = torch.zeros(8, 8)
    mask[2:4] = network.table.mean()
    return x * mask


def counted(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    network.count.add_(network.table.amax())
    return x + network.count


def noisy(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + functional.dropout(network.table.mean(), 0.0, True)


def huge(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + network.table.exp().sum().expand(3000, 3000).cumsum(0).amax()


def light(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x @ torch.arange(8.0).expand(8, 8).t()


def alone(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return network.table.exp()


@pytest.mark.parametrize(
    ("made", "left"),
    [
        (resized, ["add"]),
        (filled, ["zeros", "mean", "slice", "fill_", "mul"]),  # written into, so that it is left alone
        (counted, ["amax", "add_", "add"]),
        (noisy, ["dropout", "add"]),
        (huge, ["add"]),
        (light, ["arange", "expand", "t", "matmul"]),
        (alone, ["exp"]),
    ],
)
def test_what_is_folded(made: Callable[[nn.Module, torch.Tensor], torch.Tensor], left: list[str]) -> None:
    network = Of(made).eval()
    before = torch.export.export(network, (ROWS,), strict=False)
    found = [one for one in words(fold_constants(before, (ROWS,))) if one in [*left, *words(before)]]
    assert found == left


def test_the_outputs_stay() -> None:
    network = parametrizations.weight_norm(nn.Conv2d(4, 6, 3)).eval()
    program = torch.export.export(network, (ROWS,), strict=False)
    folded = fold_constants(program, (ROWS,))
    assert words(folded) == ["conv2d"]
    with torch.no_grad():
        assert torch.allclose(folded.module()(ROWS), network(ROWS), 1e-6, 1e-6)
