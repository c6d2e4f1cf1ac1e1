"""8-bit weights on CPUs whose byte products saturate: nothing overflows, and no more is given up than has to be."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edgekit.convert.int8.simulation import Scheme, quantized_weight
from edgekit.convert.int8.weight_range import STEPS, is_depthwise, largest_weight
from edgekit.convert.onnx.weights import weight_overrides

PAIRED = Scheme(weight_steps=STEPS, per_channel=True, symmetric=False, paired=True)


def worst_sums(integers: torch.Tensor) -> int:
    """The largest absolute sum of two neighbouring integers of one sign, in both orders."""
    orders = [integers.flatten(1)]
    if integers.dim() > 2:
        orders.append(integers.flatten(2).transpose(1, 2).flatten(1))
    sums = [0]
    for order in orders:
        pairs = nn.functional.pad(order, (0, order.shape[1] % 2)).unflatten(1, (-1, 2))
        sums += [int(s.clamp(min=0).sum(2).max()) for s in (pairs, -pairs)]
    return max(sums)


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 10_000),
)
def test_no_pair_overflows_and_nobody_gives_up_more_than_a_bit(shape, seed):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    largest = largest_weight(weight, depthwise=False)
    plain = weight.flatten(1).abs().amax(1)
    assert (largest >= plain).all()
    assert (largest <= 2 * plain).all()
    integers = torch.round(weight / (largest / STEPS).reshape(-1, 1, 1, 1))
    assert integers.abs().max() <= STEPS
    assert worst_sums(integers) * 255 <= np.iinfo(np.int16).max
    torch.testing.assert_close(largest_weight(weight, depthwise=True), plain)


def qdq(weight: np.ndarray, groups: int, size: int, coarse: float) -> bytes:
    """A quantized convolution of a uint8 image with scales of 1; a step of its result stands for ``coarse``."""
    out, kernel = weight.shape[0], weight.shape[2]
    constants = {
        "w": weight,
        "one": np.float32(1),
        "zero": np.uint8(0),
        "middle": np.uint8(128),
        "wzero": np.int8(0),
        "coarse": np.float32(coarse),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "one", "wzero"], ["wf"]),
        helper.make_node("Conv", ["xf", "wf"], ["yf"], group=groups, kernel_shape=[kernel, kernel]),
        helper.make_node("QuantizeLinear", ["yf", "coarse", "middle"], ["y"]),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.UINT8, [1, weight.shape[1] * groups, size, size])
    result = helper.make_tensor_value_info("y", TensorProto.UINT8, [1, out, size - kernel + 1, size - kernel + 1])
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", [image], [result], tensors)
    return onnx.helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.mark.parametrize(
    ("conv", "groups"),
    [
        (nn.Conv2d(64, 16, 1), 1),
        (nn.Conv2d(16, 16, 3), 1),
        (nn.Conv2d(32, 16, 1, groups=4), 4),
        (nn.Conv2d(24, 24, 3, groups=24), 24),
        (nn.Conv2d(3, 16, 3), 1),
    ],
)
def test_the_runtime_computes_what_the_integers_say(conv, groups):
    """The brightest image against the largest weights: any saturation shows in the sums."""
    torch.manual_seed(0)
    weight = torch.where(torch.rand(conv.weight.shape) < 0.7, 1.0, -1.0) * (1 - 0.2 * torch.rand(conv.weight.shape))
    scale = largest_weight(weight, is_depthwise(conv)) / STEPS
    integers = torch.round(weight / scale.reshape(-1, 1, 1, 1))
    image = torch.full((1, conv.in_channels, 6, 6), 255.0)
    exact = nn.functional.conv2d(image.double(), integers.double(), groups=groups)
    coarse = float(exact.abs().max()) / 120
    model = qdq(integers.to(torch.int8).numpy(), groups, 6, coarse)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"x": image.to(torch.uint8).numpy()})
    assert np.abs(made - (exact / coarse).numpy() - 128).max() < 0.51


def test_overrides_name_the_weights_and_their_ends():
    network = nn.Sequential(nn.Conv2d(4, 6, 1), nn.Conv2d(6, 6, 3, groups=6))
    weights = [layer.weight.detach() for layer in network]
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["y"]),
        helper.make_node("Conv", ["y", "b"], ["z"], group=6),
    ]
    tensors = [numpy_helper.from_array(w.numpy(), name) for w, name in zip(weights, "ab", strict=True)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xz"]
    made = weight_overrides(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)))
    assert set(made) == {"a", "b"}
    for name, weight, layer in zip("ab", weights, network, strict=True):
        wanted = largest_weight(weight, is_depthwise(layer))
        np.testing.assert_allclose([channel["rmax"] for channel in made[name]], wanted.numpy(), rtol=1e-6)
        torch.testing.assert_close(
            quantized_weight(weight, PAIRED, is_depthwise(layer)).flatten(1).abs().amax(1) <= wanted * 1.001,
            torch.ones(6, dtype=torch.bool),
        )
