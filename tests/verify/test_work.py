"""Multiply-accumulates by the shapes of operators, against PyTorch's own count of the same network."""

from __future__ import annotations

import pytest
from torch import nn

from edgekit.types.answers import Node, Tensor
from edgekit.verify.work import count_macs, count_parameters, macs_of
from edgekit.zoo.complexity import count_macs as count_in_torch


@pytest.mark.parametrize(
    ("kind", "layer", "given", "weight", "made"),
    [
        ("Conv", nn.Conv2d(8, 16, 3, padding=1), [1, 8, 10, 10], [16, 8, 3, 3], [1, 16, 10, 10]),
        ("Conv", nn.Conv2d(8, 16, 3, padding=1, groups=4), [1, 8, 10, 10], [16, 2, 3, 3], [1, 16, 10, 10]),
        ("CONV_2D", nn.Conv2d(8, 16, 3, padding=1), [1, 10, 10, 8], [16, 3, 3, 8], [1, 10, 10, 16]),
        ("DEPTHWISE_CONV_2D", nn.Conv2d(8, 8, 3, groups=8), [1, 10, 10, 8], [1, 3, 3, 8], [1, 8, 8, 8]),
        ("GroupConvolution", nn.Conv2d(8, 16, 3, groups=4), [1, 8, 10, 10], [4, 4, 2, 3, 3], [1, 16, 8, 8]),
    ],
)
def test_convolutions(kind: str, layer: nn.Conv2d, given: list[int], weight: list[int], made: list[int]) -> None:
    assert macs_of(kind, given, weight, made) == count_in_torch(layer, (1, 8, 10, 10))


@pytest.mark.parametrize(
    ("kind", "given", "weight", "made", "macs"),
    [
        ("Gemm", [1, 32], [10, 32], [1, 10], 320),
        ("MatMul", [2, 7, 32], [32, 10], [2, 7, 10], 4480),
        ("FULLY_CONNECTED", [1, 4, 4, 2], [10, 32], [1, 10], 320),
        ("BATCH_MATMUL", [1, 7, 32], [1, 32, 5], [1, 7, 5], 1120),
        ("ConvTranspose", [1, 8, 5, 5], [8, 4, 2, 2], [1, 4, 10, 10], 8 * 25 * 4 * 4),
        ("TRANSPOSE_CONV", [1, 5, 5, 8], [4, 2, 2, 8], [1, 10, 10, 4], 8 * 25 * 4 * 4),
    ],
)
def test_products(kind: str, given: list[int], weight: list[int], made: list[int], macs: int) -> None:
    assert macs_of(kind, given, weight, made) == macs


def tensor(name: str, shape: tuple[int, ...], constant: bool = False) -> Tensor:
    return Tensor(id=name, name=name, shape=shape, dtype="float32", constant=constant, bytes=None)


def test_a_whole_file() -> None:
    nodes = [
        Node(type="Conv", name="", inputs=(), outputs=(), reads=("x", "w"), writes=("y",)),
        Node(type="Relu", name="", inputs=(), outputs=(), reads=("y",), writes=("z",)),
    ]
    tensors = [
        tensor("x", (1, 3, 4, 4)),
        tensor("w", (5, 3, 1, 1), constant=True),
        tensor("y", (1, 5, 4, 4)),
    ]
    assert count_macs(nodes, tensors) == 240
    assert count_parameters(nodes, tensors) == 15
    open_one = [*tensors[:2], tensor("y", (0, 5, 4, 4))]
    assert count_macs(nodes, open_one) is None  # a size is not known
