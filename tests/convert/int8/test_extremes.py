"""The outermost values, against sorting all of them."""

from __future__ import annotations

import pytest
import torch

from edgekit.convert.int8.extremes import CHUNK, InnerRange, outermost


@pytest.mark.parametrize("shape", ["normal", "rectified", "few values"])
@pytest.mark.parametrize(("size", "count"), [(7, 3), (1000, 4), (9 * CHUNK + 5, 4), (300 * CHUNK + 1, 65), (500, 1)])
def test_as_sorting_finds_them(shape, size, count):
    values = torch.randn(size, generator=torch.Generator().manual_seed(size))
    values = {"normal": values, "rectified": values.relu(), "few values": (2 * values).round()}[shape]
    ordered = values.sort().values
    low, high = outermost(values, count)
    assert torch.equal(low, ordered[:count])
    assert torch.equal(high, ordered[-count:])


def test_fewer_than_are_asked_for():
    low, high = outermost(torch.tensor([3.0, 1.0]), 5)
    assert low.tolist() == high.tolist() == [1.0, 3.0]


def test_a_range_that_comes_bit_by_bit():
    values = torch.randn(8, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    inner = InnerRange(20)
    for image in values:
        inner.add(image)
    ordered = values.flatten().sort().values
    assert inner.ends == (float(ordered[20]), float(ordered[-21]))
    assert inner.without(5) == (float(ordered[5]), float(ordered[-6]))
    assert inner.without(0) == (float(ordered[0]), float(ordered[-1]))


def test_nothing_is_cut_where_only_one_value_would_be_left():
    values = torch.zeros(10_000)
    values[:3] = torch.tensor([5.0, 6.0, 7.0])
    inner = InnerRange(4)
    inner.add(values)
    assert inner.ends == (0.0, 7.0)


def test_padding_in_front_of_a_maximum_is_no_value():
    inner = InnerRange(0)
    inner.add(torch.tensor([-3.4e38, -1.0, 2.0]))
    assert inner.ends == (-1.0, 2.0)
