"""Concatenations, gathers and shifts on rows of pixels: the same function, four dimensions everywhere else."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card, profile_for
from edgekit.passes.absorb_scale import Shift
from edgekit.passes.candidates import extended
from edgekit.passes.flatten_maps import Maps, Rows, RowShift
from edgekit.passes.variants import VARIANTS
from edgekit.zoo.registry import create

from .networks import layers, lively, rewritten


class Dense(nn.Module):
    """Two units of a DenseNet that gather, shift and activate what they read."""

    def __init__(self, shift: bool, relu: bool, pool: bool) -> None:
        super().__init__()
        self.behind = nn.Sequential()
        if shift:
            self.behind.append(nn.BatchNorm2d(6))
        if relu or shift:
            self.behind.append(nn.ReLU())
        self.pool = nn.AvgPool2d(2) if pool else nn.Identity()
        self.first, self.second = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(6, 3, 1)
        self.register_buffer("index", torch.tensor([3, 0, 6, 6, 2, 5]))

    def forward(self, x: Tensor) -> Tensor:
        """Concatenated twice, what was joined is read twice."""
        joined = torch.cat([x, self.first(x)], 1)
        read = self.behind(torch.index_select(joined, 1, self.index))
        again: Tensor = self.pool(torch.cat([joined, self.second(read)], 1))
        return again


@settings(max_examples=30, deadline=None)
@given(shift=st.booleans(), relu=st.booleans(), pool=st.booleans(), batch=st.integers(1, 2), size=st.integers(2, 6))
def test_same_function_on_rows(shift, relu, pool, batch, size):
    torch.manual_seed(0)
    network = lively(Dense(shift, relu, pool))
    result, done = rewritten(network, ["absorb_scale", "flatten_maps"], (batch, 4, size, size + 1))
    assert done == {"absorb_scale": shift, "flatten_maps": 3 + shift + (relu or shift)}
    assert len(layers(result, RowShift)) == shift
    assert not layers(result, Shift)
    # Into rows: the input and each convolution's result. Back: for the second convolution, and for what comes last.
    assert (len(layers(result, Rows)), len(layers(result, Maps))) == (3, 2)


def test_other_axes_and_other_shapes_stay():
    class Other(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            lines = torch.index_select(torch.cat([x, x], 2), 3, torch.tensor([1, 0]))
            flat = lines.flatten(1)
            return torch.index_select(torch.cat([flat, flat], 1), 1, torch.tensor([5, 2]))

    assert rewritten(lively(Other()), ["flatten_maps"], (1, 2, 3, 4))[1] == {"flatten_maps": 0}


def test_a_relu_on_maps_stays_there():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1))
    assert rewritten(lively(network), ["flatten_maps"], (1, 2, 3, 3))[1] == {"flatten_maps": 0}


def test_condensenet_in_every_form_that_flattens():
    card = find_card("condensenet_fashion_small")
    forms = [(name, early, late) for name, early, late, _ in VARIANTS if "flatten_maps" in late]
    assert len(forms) == 3
    for name, early, late in forms:
        precision = "fp32" if name == "dense-first-rows" else "int8"
        names = extended(profile_for("openvino", precision).rewrites, early, late)
        _, done = rewritten(lively(create(card)), names, (1, card.input_shape[0], 16, 16))
        assert done["flatten_maps"] > 0, name
