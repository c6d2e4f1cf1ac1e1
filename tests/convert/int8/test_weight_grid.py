"""How far weights may be moved: whatever is made of them within the bounds, no pair overflows and the step stays."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.convert.int8.weight_grid import grid_of
from edgekit.convert.int8.weight_range import largest_pair


@settings(max_examples=120, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 8), st.sampled_from([1, 3])),
    steps=st.sampled_from([15, 127]),
    loud=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_the_largest_pair_stays_and_none_exceeds_it(shape, steps, loud, seed):
    outputs, inputs, kernel = shape
    draw = torch.Generator().manual_seed(seed)
    layer = nn.Conv2d(inputs, outputs, kernel)
    weight = torch.randn(layer.weight.shape, generator=draw)
    if loud:
        weight = weight.sign() * (1 - 0.2 * torch.rand(weight.shape, generator=draw))
    layer.weight.data.copy_(weight)
    grid = grid_of(layer, steps, paired=True)
    assert (grid.low <= grid.high).all()
    assert (grid.low == grid.low.round()).all()
    assert (grid.high == grid.high.round()).all()
    exact = weight.flatten(1) / grid.scale
    assert (exact - exact.clamp(grid.low, grid.high)).abs().max() < 1  # to the next step, up or down, at the worst
    chance = torch.rand(exact.shape, generator=draw)
    for chosen in (grid.low, grid.high, grid.low + torch.round(chance * (grid.high - grid.low))):
        made = (chosen * grid.scale).reshape(weight.shape)
        torch.testing.assert_close(largest_pair(made), largest_pair(weight), rtol=1e-5, atol=0)


def test_depthwise_weights_have_no_pairs():
    layer = nn.Conv2d(4, 4, 3, groups=4)
    paired, plain = grid_of(layer, paired=True), grid_of(layer)
    for one, other in zip(paired, plain, strict=True):
        assert torch.equal(one, other)
    settled = plain.low == plain.high
    assert torch.equal(settled.sum(1), torch.ones(4))
    assert torch.equal(plain.high[settled].abs(), torch.full((4,), 127.0))
