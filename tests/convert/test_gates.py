"""What a hard-swish reads is stored from -3 on, in both formats that write it as a sum and a product."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from edgekit.convert.onnx.gates import hard_swish_inputs as onnx_inputs
from edgekit.convert.tflite.gates import end_at_floor, hard_swish_inputs
from edgekit.convert.tflite.lowering import write_tflite
from edgekit.passes.absorb_sixth import SixfoldHardSwish


class Gated(nn.Module):
    """A hard-swish that alone reads a convolution, one that another reads as well, and a plain ReLU6."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.swish, self.other, self.relu = SixfoldHardSwish(), SixfoldHardSwish(), nn.ReLU6()

    def forward(self, x):
        x = self.swish(self.first(x))
        second = self.second(x)
        return self.relu(self.third(self.other(second) + second))


def test_tflite_ranges_end_at_minus_three(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(Gated().eval(), (1, 3, 4, 4), "float32"))
    (name,) = hard_swish_inputs(path)
    assert name.startswith("first")
    ranges = {name: {"min": np.float32([-9.0]), "max": np.float32([7.0])}}
    assert end_at_floor(path, ranges) == 1
    assert (float(ranges[name]["min"][0]), float(ranges[name]["max"][0])) == (-3.0, 7.0)
    narrow = {name: {"min": np.float32([-1.0]), "max": np.float32([7.0])}}
    end_at_floor(path, narrow)
    assert float(narrow[name]["min"][0]) == -1.0


def test_onnx_finds_the_same():
    nodes = [
        helper.make_node("Add", ["x", "three"], ["sum"], "sum"),
        helper.make_node("Clip", ["sum", "zero", "six"], ["gate"], "gate"),
        helper.make_node("Mul", ["gate", "x"], ["y"], "product"),
        helper.make_node("Add", ["y", "three"], ["sum2"], "sum2"),
        helper.make_node("Clip", ["sum2", "zero", "six"], ["gate2"], "gate2"),
        helper.make_node("Mul", ["gate2", "y"], ["z"], "product2"),
        helper.make_node("Add", ["z", "y"], ["out"], "more"),  # what the second reads is wanted as it is
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "out")]
    constants = [helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("three", 3), ("zero", 0), ("six", 6))]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], constants))
    onnx.checker.check_model(model)
    assert onnx_inputs(model) == ["x"]
    assert onnx_inputs(model, ["sum"]) == []


def test_cutting_at_minus_three_changes_nothing():
    x = torch.linspace(-9, 9, 1001)
    swish = SixfoldHardSwish()
    assert torch.equal(swish(x), swish(x.clamp(min=-3.0)) + 0.0)
