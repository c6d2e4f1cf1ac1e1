"""A float TFLite file whose biases would overflow in int8's sums: they fit, and the file computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.convert.int8.bias_room import LARGEST
from edgekit.convert.tflite.bias_room import give_own_biases, make_room
from edgekit.convert.tflite.edit import edited
from edgekit.convert.tflite.lowering import write_tflite


class Asleep(nn.Module):
    """A dense and a depthwise convolution and a linear layer, one channel of each with next to no weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.depthwise = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.linear = nn.Linear(6, 4)
        for layer in (self.conv, self.depthwise, self.linear):
            layer.weight.data[1] *= 1e-13
            layer.bias.data[1] = 2.0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.linear(self.depthwise(self.conv(image)).mean((2, 3)))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(torch.fx.symbolic_trace(Asleep().eval()), (1, 3, 4, 4), "float32"))
    return path


def run(path, image):
    """Outputs, and per layer the input's number, the weights by output channel and the biases."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    layers, ranges = [], {}
    for op in interpreter._get_ops_details():
        if op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            given, weight, bias = map(int, op["inputs"][:3])
            rows = np.moveaxis(interpreter.get_tensor(weight), 3 if op["op_name"].startswith("DEPTH") else 0, 0)
            layers.append((given, rows.reshape(len(rows), -1), interpreter.get_tensor(bias)))
            values = interpreter.get_tensor(given)
            ranges[given] = (float(values.min()), float(values.max()))
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), layers, ranges


def stored(layers, ranges) -> list[float]:
    """The largest stored bias of each layer."""
    return [
        float(np.abs(bias / ((max(ranges[g][1], 0) - min(ranges[g][0], 0)) / 255 * np.abs(rows).max(1) / 127)).max())
        for g, rows, bias in layers
    ]


def test_biases_fit_and_the_file_computes_the_same(path) -> None:
    image = np.random.default_rng(0).random((1, 4, 4, 3)).astype(np.float32)
    before, layers, ranges = run(path, image)
    assert len(layers) == 3
    assert min(stored(layers, ranges)) > 2**31
    assert make_room(path, ranges) == 3
    after, layers, _ = run(path, image)
    assert max(stored(layers, ranges)) <= LARGEST * 1.001
    assert np.abs(after - before).max() <= 1e-3 * np.abs(before).max()
    content = path.read_bytes()
    assert make_room(path, ranges) == 0
    assert path.read_bytes() == content


def test_every_layer_gets_a_bias_of_its_own_in_one_dimension(path) -> None:
    """As ConvNeXt's layers, which are scaled before something is added, and such as have equal biases."""

    def reshaped(tree, _schema) -> None:
        graph = tree.subgraphs[0]
        first, second = graph.operators[:2]
        bias = graph.tensors[int(graph.operators[-1].inputs[2])]
        bias.shape = np.asarray([1, 1, 1, *bias.shape], np.int32)
        second.inputs = np.asarray([*second.inputs[:2], first.inputs[2]], np.int32)

    image = np.random.default_rng(0).random((1, 4, 4, 3)).astype(np.float32)
    path.write_bytes(edited(path.read_bytes(), reshaped))
    before, *_ = run(path, image)
    give_own_biases(path)
    after, layers, _ = run(path, image)
    assert [bias.shape for *_, bias in layers] == [(6,), (6,), (4,)]
    assert np.array_equal(before, after)
    from ai_edge_litert.interpreter import Interpreter

    operators = Interpreter(str(path))._get_ops_details()
    biases = [int(op["inputs"][2]) for op in operators if len(op["inputs"]) == 3]
    assert len(set(biases)) == 3
