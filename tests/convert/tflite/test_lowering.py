"""Networks written to TFLite operator by operator, run by the runtime and compared with PyTorch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.convert.tflite.lowering import write_tflite
from edgekit.convert.tflite.window import Window
from edgekit.convert.tflite.writer import NotWritable

SIZE = 9


def check(network: nn.Module, channels: int = 6, size: int = SIZE, tolerance: float = 2e-6) -> Counter[str]:
    """Write the network, run the file, compare; the operators that the file holds."""
    torch.manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    network = nn.Sequential(network).eval()  # a layer of torch.nn has to be inside something to stay whole
    inputs = torch.randn(1, channels, size, size)
    with torch.no_grad():
        wanted = network(inputs).numpy()
    interpreter = Interpreter(model_content=write_tflite(network, inputs.shape, "float32"))
    interpreter.allocate_tensors()
    run = interpreter.get_signature_runner("serving_default")
    made = run(args_0=inputs.numpy().transpose(0, 2, 3, 1))["output_0"]
    assert made.shape == wanted.shape
    np.testing.assert_allclose(made, wanted, atol=tolerance * max(1.0, abs(wanted).max()), rtol=0)
    return Counter(op["op_name"] for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE")


class Calls(nn.Module):
    """A function of one tensor as a network."""

    def __init__(self, function, *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


def shared(x, conv):
    """A convolution whose result is read twice, once through an activation."""
    y = conv(x)
    return nn.functional.relu(y) + y


@settings(max_examples=25, deadline=None)
@given(
    groups=st.sampled_from([1, 2, 6]),
    out=st.sampled_from([6, 12]),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    size=st.integers(7, 10),
)
def test_convolution(groups, out, kernel, stride, padding, dilation, bias, size):
    assume(dilation == 1 or stride == 1)
    layer = nn.Conv2d(6, out, kernel, stride, padding, dilation, groups, bias)
    ops = check(nn.Sequential(layer, nn.ReLU6()), size=size)
    assert ops["DEPTHWISE_CONV_2D" if groups == 6 else "CONV_2D"] == 1
    assert ops["RELU6"] == 0


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.integers(2, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 1),
    ceil=st.booleans(),
    size=st.integers(6, 11),
)
def test_max_pool(kernel, stride, padding, ceil, size):
    check(nn.Sequential(nn.ReLU(), nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)), size=size)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(4, 20),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    pad=st.integers(0, 2),
    ceil=st.booleans(),
)
def test_window_counts_as_pytorch_does(size, kernel, stride, pad, ceil):
    assume(pad <= kernel // 2)
    assume(kernel <= size)
    window = Window(size, kernel, stride, pad, ceil=ceil)
    pooled = nn.functional.max_pool2d(torch.zeros(1, 1, size, size), kernel, stride, pad, ceil_mode=ceil)
    assert window.out == pooled.shape[-1]


@pytest.mark.parametrize(
    "network",
    [
        nn.Hardswish(),
        nn.Hardsigmoid(),
        nn.Sequential(nn.Conv2d(6, 4, 1), nn.Hardsigmoid()),
        nn.Sigmoid(),
        nn.AvgPool2d(3, 2, padding=1),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(6, 3)),
        nn.Sequential(nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(4 * 7 * 7, 3, bias=False)),
        Calls(lambda x: x.mean([2, 3])),
        Calls(lambda x: torch.cat([x[:, :2], x.chunk(3, dim=1)[2]], 1)),
        Calls(lambda x: x[:, 1:5, 2:, :3]),
        Calls(lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)) + 1.5),
        Calls(lambda x: (x * (1 / 6)) * nn.functional.relu6(x + 3.0)),
        Calls(lambda x: 2.0 * x + x),
        Calls(lambda x, conv: conv(x) + 3.0, nn.Conv2d(6, 4, 1)),
        Calls(lambda x, conv: nn.functional.relu(conv(x)) + 3.0, nn.Conv2d(6, 4, 1)),
        Calls(shared, nn.Conv2d(6, 6, 1)),
    ],
    ids=str,
)
def test_operator(network):
    check(network)


def test_activation_of_a_shared_result_stays_apart():
    ops = check(Calls(shared, nn.Conv2d(6, 6, 1)))
    assert ops == {"CONV_2D": 1, "RELU": 1, "ADD": 1, "TRANSPOSE": 1}  # the output is NCHW


def test_constant_after_a_convolution_goes_into_its_bias():
    assert check(nn.Sequential(nn.Conv2d(6, 4, 1), nn.Hardsigmoid())) == {"CONV_2D": 1, "MUL": 1, "TRANSPOSE": 1}


def test_shuffle_on_nhwc_data_moves_once():
    def shuffle(x):
        n, c, h, w = x.shape
        last = x.permute(0, 2, 3, 1).reshape(n, h * w, 3, c // 3)
        return last.transpose(2, 3).reshape(n, h, w, c).permute(0, 3, 1, 2)

    ops = check(Calls(lambda x, a, b: b(shuffle(a(x))), nn.Conv2d(6, 6, 1), nn.Sequential(nn.Conv2d(6, 4, 1), *HEAD)))
    assert ops["TRANSPOSE"] == 1
    assert ops["RESHAPE"] == 3  # two of the shuffle, one of the head


HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_shuffle_as_pytorch_writes_it():
    def shuffle(x):
        return x.view(1, 3, 2, SIZE * SIZE).transpose(1, 2).reshape(1, 6, SIZE, SIZE)

    check(Calls(lambda x, a: a(shuffle(x)), nn.Conv2d(6, 4, 3, padding=1)))


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (nn.BatchNorm2d(6), "BatchNorm2d"),
        (nn.GELU(), "GELU"),
        (nn.MaxPool2d(2, 2, padding=1), "negative"),
        (nn.AdaptiveAvgPool2d(2), "adaptive pooling to 2"),
        (nn.AvgPool2d(3, ceil_mode=True), "AvgPool2d"),
        (nn.Conv2d(6, 6, 3, padding=1, padding_mode="reflect"), "reflect"),
        (Calls(lambda x: x[:, ::2]), "slice"),
        (Calls(lambda x: torch.add(x, x, alpha=2)), "add"),
        (Calls(lambda x: x.sum(1)), "sum"),
    ],
    ids=str,
)
def test_what_is_not_known_is_named(network, named):
    with pytest.raises(NotWritable, match=named):
        write_tflite(nn.Sequential(network).eval(), (1, 6, SIZE, SIZE), "float32")


def test_uint8_input_is_cast():
    network = Calls(lambda x, conv: conv(x.float()), nn.Conv2d(3, 2, 1)).eval()
    pixels = torch.arange(48, dtype=torch.uint8).reshape(1, 3, 4, 4)
    interpreter = Interpreter(model_content=write_tflite(network, pixels.shape, "uint8"))
    made = interpreter.get_signature_runner("serving_default")(args_0=pixels.numpy().transpose(0, 2, 3, 1))["output_0"]
    with torch.no_grad():
        np.testing.assert_allclose(made, network(pixels).numpy(), rtol=1e-5, atol=1e-4)


def test_channels_by_constant_indices():
    ops = check(Calls(lambda x, conv: torch.index_select(conv(x), 1, torch.tensor([5, 0, 0, 3])), nn.Conv2d(6, 6, 1)))
    assert ops["GATHER"] == 1


@pytest.mark.parametrize("pad", [(1, 2, 0, 3), (0, 0, 0, 1)])
def test_zeros_around(pad):
    ops = check(Calls(lambda x, pool: pool(nn.functional.pad(x, pad).relu()), nn.MaxPool2d(3, 2)))
    assert ops["PAD"] == 1


@pytest.mark.parametrize("pad", [(1, 1), (-1, 0, 0, 0)])
def test_other_padding_is_left_to_the_converter(pad):
    with pytest.raises(NotWritable, match="padding of"):
        check(Calls(lambda x: nn.functional.pad(x, pad)))
