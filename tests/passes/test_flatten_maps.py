"""Concatenations, gathers and shifts on rows of pixels: the same function, four dimensions everywhere else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from edgekit.catalog import find_card, profile_for
from edgekit.forms.catalogue import FORMS
from edgekit.passes.absorb_scale import Shift
from edgekit.passes.flatten_maps import Maps, Rows, RowShift, flatten_maps
from edgekit.passes.shapes import propagate_shapes
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


class Written(nn.Module):
    """Concatenations and gathers as others write them, with a buffer of four dimensions, and an index."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("maps", torch.randn(2, 3, 3, 4))
        self.register_buffer("index", torch.tensor([1, 0, 1]))

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "by name":
            return torch.cat([x, x], dim=1)
        if self.how == "with a buffer":
            return torch.cat([x, self.maps], 1)
        if self.how == "of a list":
            return torch.cat(x.chunk(2, 1), 1)
        if self.how == "along a named axis":
            return torch.index_select(x, dim=1, index=self.index)
        return torch.index_select(x, 1, x.mean((0, 2, 3)).argsort())


@pytest.mark.parametrize(
    ("how", "count"),
    [("by name", 1), ("with a buffer", 1), ("of a list", 0), ("along a named axis", 0), ("by a computed index", 1)],
)
def test_however_it_is_written(how, count):
    torch.manual_seed(0)
    assert rewritten(lively(Written(how)), ["flatten_maps"], (2, 4, 3, 4))[1] == {"flatten_maps": count}


def test_the_noted_shapes_are_true_and_a_second_time_changes_nothing():
    torch.manual_seed(0)
    result, done = rewritten(lively(Dense(True, True, True)), ["absorb_scale", "flatten_maps"], (2, 4, 4, 6))
    noted = {node: node.meta["tensor_meta"] for node in result.graph.nodes if "tensor_meta" in node.meta}
    propagate_shapes(result, torch.zeros(2, 4, 4, 6, dtype=torch.float64))
    assert noted == {node: node.meta["tensor_meta"] for node in noted}
    assert done["flatten_maps"] > flatten_maps(result) == 0


def test_a_relu_on_maps_stays_there():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1))
    assert rewritten(lively(network), ["flatten_maps"], (1, 2, 3, 3))[1] == {"flatten_maps": 0}


def test_condensenet_in_every_form_that_flattens():
    card = find_card("condensenet_fashion_small")
    forms = [form for form in FORMS if "flatten_maps" in form.after]
    assert len(forms) == 4
    for form in forms:
        precision = "fp32" if form.name in ("dense-first-rows", "products-on-rows") else "int8"
        names = form.rewrites(profile_for("openvino", precision).rewrites)
        _, done = rewritten(lively(create(card)), names, (1, card.input_shape[0], 16, 16))
        assert done["flatten_maps"] > 0, form.name
