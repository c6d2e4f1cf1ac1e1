"""Operators written so that XNNPACK takes them: the same values, and nothing outside the delegate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.convert.any.operators.plain_operators import with_plain_operators
from edgekit.convert.any.tflite import convert
from tests.support.jobs import job_of

IMAGE = torch.linspace(-30, 30, 2 * 8 * 9 * 12).reshape(2, 8, 9, 12)[:, torch.randperm(8)]


class Spread(nn.Module):
    """A gate that is spread to its image first."""

    def __init__(self, kept: bool = False) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image; what is kept is read as it is."""
        gate = x.mean((2, 3), keepdim=True).expand_as(x)
        return torch.cat([gate, x], 1) if self.kept else x.relu() * gate + gate


class Clamped(nn.Module):
    """Bounded from below."""

    def __init__(self, least: float) -> None:
        super().__init__()
        self.least = least

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        return x.clamp(self.least)


def after_relu(layer: nn.Module) -> nn.Module:
    return nn.Sequential(nn.ReLU(), layer)


def normalisation(groups: int) -> nn.Module:
    layer = nn.GroupNorm(groups, 8, eps=1e-3)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    return layer


def words(program: nn.Module) -> set[str]:
    """The operators of a traced program."""
    return {str(node.target).split(".")[1] for node in program.graph.nodes if node.op == "call_function"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("network", "gone"),
    [
        (nn.ELU(0.7), "elu"),
        (nn.SELU(), "selu"),
        (nn.CELU(1.5), "celu"),
        (nn.Softplus(), "softplus"),
        (nn.Softplus(2.5, 30), "softplus"),
        (nn.Mish(), "mish"),
        (normalisation(4), "group_norm"),
        (normalisation(1), "group_norm"),
        (normalisation(8), "group_norm"),
        (nn.GroupNorm(2, 8, affine=False), "group_norm"),
        (Spread(), "expand_as"),
    ],
    ids=str,
)
def test_other_operators_compute_the_same(network: nn.Module, gone: str) -> None:
    with torch.no_grad():
        expected = network(IMAGE)
        program = torch.export.export(network.eval(), (IMAGE,), strict=False).module()
        assert gone in words(program)
        made = with_plain_operators(program)
        assert gone not in words(made)
        assert torch.allclose(made(IMAGE), expected, 1e-5, 1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("network", "padded"),
    [
        (after_relu(nn.MaxPool2d(3, 2, 1)), True),
        (after_relu(nn.MaxPool2d((3, 2), (2, 1), (1, 0))), True),
        (nn.Sequential(nn.ReLU6(), nn.Dropout(), nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1)), True),
        (nn.Sequential(nn.Hardtanh(0, 4), nn.MaxPool2d(3, 2, 1)), True),
        (nn.Sequential(Clamped(0), nn.MaxPool2d(3, 2, 1)), True),
        (nn.Sequential(Clamped(-1), nn.MaxPool2d(3, 2, 1)), False),
        (nn.Sequential(nn.Hardtanh(), nn.MaxPool2d(3, 2, 1)), False),
        (nn.MaxPool2d(3, 2, 1), False),  # what is negative would lose to zero
        (after_relu(nn.MaxPool2d(3, 1, 1)), False),  # TensorFlow's "SAME"
        (after_relu(nn.MaxPool2d(3, 2, 1, ceil_mode=True)), False),
    ],
    ids=str,
)
def test_a_maximum_is_padded_with_zeros_where_nothing_is_negative(network: nn.Module, padded: bool) -> None:
    image = IMAGE[:, :, :8]  # of even height
    with torch.no_grad():
        made = with_plain_operators(torch.export.export(network.eval(), (image,), strict=False).module())
        assert ("constant_pad_nd" in words(made)) == padded
        assert torch.equal(made(image), network(image))


@pytest.mark.parametrize(
    ("network", "edged"),
    [
        (nn.MaxPool2d(3, 2, 1), True),
        (nn.MaxPool2d((5, 2), (2, 1), (2, 0)), True),
        (nn.MaxPool2d((2, 5), (1, 3), (1, 2)), True),
        (nn.MaxPool2d(3, 1, 1), False),  # TensorFlow's "SAME"
        (nn.MaxPool2d(3, 2, 1, dilation=2), False),  # a window may miss the edge
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), False),
        (nn.AvgPool2d(3, 2, 1), False),
    ],
    ids=str,
)
def test_a_maximum_of_any_sign_is_padded_with_its_edges(network: nn.Module, edged: bool) -> None:
    image = torch.randn(2, 8, 8, 10) - 3  # nearly all of it negative
    with torch.no_grad():
        made = with_plain_operators(torch.export.export(network.eval(), (image,), strict=False).module())
        assert ("cat" in words(made)) == edged
        assert torch.equal(made(image), network(image))


@pytest.mark.parametrize(
    ("network", "written"),
    [
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), True),
        (nn.AvgPool2d((5, 3), (1, 2), (2, 0), count_include_pad=False), True),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), False),  # TensorFlow's "SAME"
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False, ceil_mode=True), False),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False, divisor_override=4), False),
        (nn.AvgPool2d(3, 2, 1), False),
        (nn.AvgPool2d(2, 2, count_include_pad=False), False),
    ],
    ids=str,
)
def test_a_mean_without_its_padding(network: nn.Module, written: bool) -> None:
    image = torch.randn(2, 8, 8, 10)
    with torch.no_grad():
        made = with_plain_operators(torch.export.export(network.eval(), (image,), strict=False).module())
        assert ("mul" in words(made)) == written
        assert torch.allclose(made(image), network(image), 1e-6, 1e-6)


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        (nn.AvgPool2d(3, 2, 1), True),
        (nn.AvgPool2d((2, 3), (2, 1), (0, 1)), True),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), True),
        (nn.AvgPool2d(2), True),
        (nn.AvgPool2d((8, 10)), False),  # more taps than its kernels have
        (nn.AvgPool2d(2, ceil_mode=True), False),
    ],
    ids=str,
)
def test_an_int8_mean_is_a_layer(network: nn.Module, layer: bool) -> None:
    image = torch.randn(2, 8, 8, 10)
    with torch.no_grad():
        made = with_plain_operators(torch.export.export(network.eval(), (image,), strict=False).module(), int8=True)
        assert ("conv2d" in words(made)) == layer
        assert torch.allclose(made(image), network(image), 1e-5, 1e-6)


@pytest.mark.parametrize(("network", "left"), [(nn.Softplus(1, 5), "softplus"), (Spread(kept=True), "expand_as")])
def test_what_would_not_be_the_same_is_left(network: nn.Module, left: str) -> None:
    assert left in words(with_plain_operators(torch.export.export(network, (IMAGE,), strict=False).module()))


def test_the_delegate_takes_them_all(tmp_path: Path) -> None:
    """In one file: litert-torch writes each without a comparison, a padding of its own, or a copy."""
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    layers = [nn.ELU(0.7), nn.SELU(), nn.CELU(1.5), nn.Softplus(2.5), nn.Mish(), normalisation(4), nn.ReLU()]
    layers += [nn.MaxPool2d(3, 2, 1), Spread(), nn.Conv2d(8, 8, 1), nn.MaxPool2d(3, 2, 1)]
    pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
    network = nn.Sequential(nn.Conv2d(8, 8, 3), *layers, pool, nn.Conv2d(8, 2, 1)).eval()
    image = IMAGE[:1] / 10
    convert(job_of(network, image, folder=tmp_path))
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    kinds = [op["op_name"] for op in interpreter._get_ops_details()]
    assert kinds.count("DELEGATE") == 1
    undelegated = {
        "GREATER", "GREATER_EQUAL", "SELECT", "SELECT_V2", "PADV2", "BROADCAST_TO", "STABLEHLO_REDUCE_WINDOW",
    }  # fmt: skip
    assert not undelegated & set(kinds)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.numpy())
    interpreter.invoke()
    with torch.no_grad():
        expected = network(image).numpy()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.abs(made - expected).max() < 1e-4 * np.abs(expected).max()
