"""BN folded into the convolution before it: the same function; and every case in which it may not be."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn

import edgekit
from edgekit.passes.fold_batch_norm import fold, fold_batch_norm

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}


def trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every BN with statistics, weights and biases of its own, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) * 3 + 0.05)
            if module.affine:
                with torch.no_grad():
                    module.weight.copy_(torch.randn(module.num_features, generator=generator))
                    module.bias.copy_(torch.randn(module.num_features, generator=generator))
    return network.eval()


def folded(network: nn.Module) -> tuple[fx.GraphModule, int]:
    traced = fx.symbolic_trace(copy.deepcopy(network))
    count = fold_batch_norm(traced)
    traced.graph.lint()
    return traced, count


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@given(
    groups=st.integers(1, 4),
    per_group=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 2, 3])),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.integers(0, 2),
    padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    bias=st.booleans(),
    affine=st.booleans(),
    eps=st.sampled_from([1e-5, 1e-3, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=120, deadline=None)
def test_same_function(
    groups, per_group, kernel, stride, dilation, padding, padding_mode, bias, affine, eps, dtype, seed
):
    torch.manual_seed(seed)
    conv = nn.Conv2d(
        groups * per_group[0],
        groups * per_group[1],
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias,
        padding_mode,
    )
    network = trained(nn.Sequential(conv, nn.BatchNorm2d(groups * per_group[1], eps, affine=affine)), seed).to(dtype)
    image = torch.randn(2, conv.in_channels, 13, 12, dtype=dtype)
    made, count = folded(network)
    assert (count, norms(made)) == (1, 0)
    with torch.no_grad():
        expected, given_ = network(image), made(image)
    assert given_.dtype == dtype
    scale = expected.abs().max().clamp(min=1)
    assert (expected - given_).abs().max() <= TOLERANCE[dtype] * scale


class TwoUsers(nn.Module):
    """The convolution's own result is used beside the BN's."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + y


class CalledTwice(nn.Module):
    """One convolution, two calls, a BN behind one of them only."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.conv(self.norm(self.conv(x)))


class TwoNorms(nn.Module):
    """One convolution, two calls, each with a BN of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.second(self.conv(self.first(self.conv(x))))


class SharedNorm(nn.Module):
    """One BN behind two convolutions."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.one(x)) - self.norm(self.two(x))


class Keyword(nn.Module):
    """The BN is called with its argument by name."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(input=self.conv(x))


@pytest.mark.parametrize(
    ("network", "count", "left"),
    [
        (TwoUsers(), 0, 1),
        (CalledTwice(), 1, 0),
        (TwoNorms(), 2, 0),
        (SharedNorm(), 2, 0),
        (Keyword(), 1, 0),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), 0, 1),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), 0, 1),
        (nn.Sequential(nn.MaxPool2d(2), nn.BatchNorm2d(3)), 0, 1),
        (nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d(4)), 0, 1),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)), 2, 0),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), 0, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_what_is_folded_and_what_is_not(network, count, left):
    torch.manual_seed(1)
    network = trained(network)
    image = torch.randn(2, 3, 16, 16)
    made, done = folded(network)
    assert (done, norms(made)) == (count, left)
    with torch.no_grad():
        torch.testing.assert_close(made(image), network(image), atol=2e-5, rtol=1e-5)


def test_the_network_itself_is_not_changed():
    network = trained(CalledTwice())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fold_batch_norm(fx.symbolic_trace(network))
    assert before.keys() == network.state_dict().keys()
    assert all((before[key] == value).all() for key, value in network.state_dict().items())


def test_norm_without_statistics_is_refused():
    with pytest.raises(ValueError, match="without running statistics"):
        fold(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False))


@pytest.mark.parametrize(
    ("model", "count"), [("mobilenet_v2_0.25", 52), ("mobilenet_v3_small_0.35", 34), ("squeezenet_1.1", 0)]
)
def test_real_networks(model, count):
    network = edgekit.build(model)
    image = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert norms(network) == count
    made, done = folded(network.double())
    assert (done, norms(made)) == (count, 0)
    with torch.no_grad():
        torch.testing.assert_close(made(image.double()), network(image.double()), atol=1e-9, rtol=1e-9)
