"""Hard-swish from operators that quantize one by one: the same function."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torch.nn import functional

import edgekit
from edgekit.passes.split_hard_swish import SplitHardSwish, join_hard_swish, split_hard_swish


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=50))
@settings(deadline=None)
def test_same_function(values):
    x = torch.tensor(values)
    torch.testing.assert_close(SplitHardSwish()(x), functional.hardswish(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("value", [-3.0, 3.0, 0.0, -1.5])
def test_corners(value):
    x = torch.tensor(value)
    torch.testing.assert_close(SplitHardSwish()(x), functional.hardswish(x), rtol=1e-6, atol=1e-7)


def test_no_intermediate_is_larger_than_the_input_plus_three():
    seen = []
    x = torch.linspace(-50, 50, 101)
    traced = fx.symbolic_trace(nn.Sequential(SplitHardSwish()))

    class Watch(fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            seen.append(float(value.abs().max()))
            return value

    Watch(traced).run(x)
    assert max(seen) <= 53.0


def test_every_one_is_replaced_wherever_it_sits():
    swish = nn.Hardswish()
    network = nn.Sequential(nn.Conv2d(3, 4, 1), swish, nn.Sequential(nn.Hardswish(), nn.ReLU()), swish).eval()
    image = torch.randn(2, 3, 5, 5)
    expected = network(image)
    traced = fx.symbolic_trace(network)
    assert split_hard_swish(traced) == 2  # one of them is called twice
    assert not any(isinstance(module, nn.Hardswish) for module in traced.modules())
    torch.testing.assert_close(traced(image), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("model", "count"), [("mobilenet_v3_small_0.35", 19), ("mobilenet_v2_0.25", 0)])
def test_real_networks(model, count):
    network = edgekit.build(model)
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = network(image)
    traced = fx.symbolic_trace(network)
    assert split_hard_swish(traced) == count
    torch.testing.assert_close(traced(image), expected, rtol=1e-4, atol=1e-5)


def test_what_stays_in_float_is_one_operator_again():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardswish(), nn.Conv2d(4, 4, 1), nn.Hardswish()).eval()
    image = torch.randn(2, 3, 5, 5)
    expected = network(image)
    traced = fx.symbolic_trace(network)
    split_hard_swish(traced)
    assert join_hard_swish(traced, {"0", "1"}) == 1
    assert [type(traced.get_submodule(name)) for name in ("1", "3")] == [nn.Hardswish, SplitHardSwish]
    torch.testing.assert_close(traced(image), expected, rtol=1e-6, atol=1e-6)


def test_a_gate_that_is_shared_stays():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.swish = SplitHardSwish()
            self.gate = nn.ReLU6()

        def forward(self, x):
            return self.swish(x, self.gate(x + 3.0))

    traced = fx.Tracer()
    traced.is_leaf_module = lambda module, _: not isinstance(module, Shared)
    network = Shared().eval()
    module = fx.GraphModule(network, traced.trace(network))
    assert join_hard_swish(module, {"swish", "gate"}) == 0
