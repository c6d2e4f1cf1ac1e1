from __future__ import annotations

import torch
from torch import fx, nn

from edgekit.convert.any.operators.plain_operators import with_plain_operators


def rewritten(network: nn.Module, *inputs: torch.Tensor) -> tuple[fx.GraphModule, list[tuple[torch.Tensor, ...]]]:
    """The program of a network with plain operators, and each output before and after."""
    program = torch.export.export(network, inputs, strict=False).module()
    expected = program(*inputs)
    made = with_plain_operators(program)
    return made, list(zip(expected, made(*inputs), strict=True))


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


class Powers(nn.Module):
    """Of five dimensions, as a detector's head has them."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Those that products and roots give, and one that they do not."""
        return (x**2) ** 2, x**-1, x**3.0, x**0.5, x**-0.5, x**4, x**1.7


def test_powers_become_products_and_roots() -> None:
    x = torch.rand(1, 2, 3, 3, 2, generator=torch.Generator().manual_seed(0)) + 0.1
    made, outputs = rewritten(Powers(), x)
    for exact, found in outputs:
        torch.testing.assert_close(found, exact)
    left = [node.args[1] for node in made.graph.nodes if "pow" in str(node.target)]
    assert left == [1.7]


class Sorted(nn.Module):
    """Both ways, along two dimensions, with equal values."""

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Values and places."""
        falling, places = torch.sort(x, descending=True, stable=True)
        rising, whence = torch.sort(x, dim=1, stable=True)
        return (
            falling,
            places,
            rising,
            whence,
            torch.sort(n, dim=0, stable=True).values,
            torch.sort(n.abs())[0],
            torch.argsort(x, 1),
        )


def test_sorting_becomes_the_largest_of_all() -> None:
    x = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(0))
    n = torch.tensor([[3, -1], [2, 7]])
    made, outputs = rewritten(Sorted(), x, n)
    for exact, found in outputs:
        assert torch.equal(found, exact)
    assert not any("sort" in str(node.target) for node in made.graph.nodes)


class Upsampled(nn.Module):
    """Transposed convolutions with paddings that TensorFlow has, and that it has not."""

    def __init__(self) -> None:
        super().__init__()
        self.even = nn.ConvTranspose2d(4, 4, 4, 2, 1)
        self.usual = nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1)
        self.odd = nn.ConvTranspose2d(4, 6, (3, 4), (2, 1), (1, 2), groups=2, bias=False)
        self.line = nn.ConvTranspose1d(4, 3, 3, 2, 1, output_padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of all."""
        return self.even(x), self.usual(x), self.odd(x), self.line(x.flatten(2))


def test_transposed_convolutions_with_paddings_of_pytorch() -> None:
    x = torch.rand(1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    made, outputs = rewritten(Upsampled(), x)
    for exact, found in outputs:
        torch.testing.assert_close(found, exact)
    padded = [node.args[4] for node in made.graph.nodes if "conv_transpose" in str(node.target)]
    assert padded == [[1, 1], [0, 0], [0, 0], [0]]


class Pooled(nn.Module):
    """As attention over channels has it."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One window, six equal ones, and some that are not."""
        pool = nn.functional.adaptive_max_pool2d
        return pool(x, 1), pool(x, (3, 2)), pool(x, 4)


def test_adaptive_pools_of_equal_windows_become_plain_ones() -> None:
    x = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    made, outputs = rewritten(Pooled(), x)
    for exact, found in outputs:
        assert torch.equal(found, exact)
    assert sum("adaptive" in str(node.target) for node in made.graph.nodes) == 1
