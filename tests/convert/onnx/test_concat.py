"""ONNX int8: the tensors that a concatenation joins have one scale, and what only looks like one keeps its own."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from edgekit.catalog import profile_for
from edgekit.convert.job import Job
from edgekit.convert.onnx.concat import folded, joined_sets, limits
from edgekit.convert.onnx.convert import convert_onnx
from edgekit.types import Preprocessing
from edgekit.verify.parity import sqnr_db


class Dense(nn.Module):
    """A block that reads all its layers' results, and a pooling between two of them; ranges a factor apart."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.third, self.last = nn.Conv2d(16, 8, 1), nn.Conv2d(24, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = torch.cat([x, 2 * self.second(x)], 1)
        x = nn.functional.max_pool2d(x, 2)
        made: Tensor = self.last(torch.cat([x, 1.5 * self.third(x).relu()], 1))
        return made.mean((2, 3))


class Parts(nn.Module):
    """A map of which one part passes by, as ShuffleNet V2's units have it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(3, 16, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(16, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, read = self.first(x).relu().chunk(2, 1)
        made: Tensor = self.last(torch.cat([kept, 3 * self.second(read).relu()], 1))
        return made.mean((2, 3))


def exported(network: nn.Module, folder, ranges: str) -> tuple[onnx.ModelProto, float]:
    """The int8 file, and its scores' SQNR."""
    rows = torch.randn(8, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    base = profile_for("onnx", "int8")
    assert base.quantization is not None
    quantization = base.quantization.model_copy(update={"ranges": ranges})
    profile = base.model_copy(update={"quantization": quantization})
    preprocessing = Preprocessing(resize=12, crop=12, mean=(0.0,) * 3, std=(1.0,) * 3)
    with torch.no_grad():
        convert_onnx(Job(network.eval(), profile, "x86-avx2", preprocessing, rows.numpy(), folder))
        expected = network(rows).numpy()
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    scores = np.concatenate([session.run(None, {"input": row[None]})[0] for row in rows.numpy()])
    return onnx.load_model(folder / "model.onnx"), sqnr_db(expected, scores)


def scales_around(model: onnx.ModelProto) -> list[set[tuple[float, int]]]:
    """Scales and zero points of what each concatenation reads and makes."""
    constants = {tensor.name: numpy_helper.to_array(tensor).item() for tensor in small(model)}
    makers = {output: node for node in model.graph.node for output in node.output}
    found = []
    for joint in (node for node in model.graph.node if node.op_type == "Concat"):
        ends = [makers[name] for name in joint.input]
        ends += [node for node in model.graph.node if joint.output[0] in node.input]
        assert {node.op_type for node in ends} == {"QuantizeLinear", "DequantizeLinear"}
        found.append({(constants[node.input[1]], constants[node.input[2]]) for node in ends})
    return found


def small(model: onnx.ModelProto) -> list[TensorProto]:
    return [tensor for tensor in model.graph.initializer if not tensor.dims]


@pytest.mark.parametrize("ranges", ["min-max", "outliers", "mse"])
@pytest.mark.parametrize("network", [Dense, Parts])
def test_what_a_concatenation_joins_has_one_scale(network, ranges, tmp_path):
    torch.manual_seed(0)
    model, sqnr = exported(network(), tmp_path, ranges)
    scales = scales_around(model)
    assert scales
    assert all(len(around) == 1 for around in scales), scales
    assert sqnr > 20


class Clipped(nn.Module):
    """An activation's result beside what goes beyond its ends."""

    def __init__(self, activation: nn.Module, scale: float) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), nn.Conv2d(16, 10, 1)
        self.activation, self.scale = activation, scale

    def forward(self, x: Tensor) -> Tensor:
        clipped, other = self.activation(8 * self.first(x)), self.scale * self.second(x)
        made: Tensor = self.last(torch.cat([clipped, other if self.scale < 0 else other.relu()], 1))
        return made.mean((2, 3))


@pytest.mark.parametrize("ranges", ["min-max", "outliers"])
@pytest.mark.parametrize(("activation", "scale"), [(nn.ReLU(), -1.0), (nn.ReLU6(), -9.0), (nn.ReLU6(), 9.0)])
def test_a_folded_activation_still_clips(activation, scale, ranges, tmp_path):
    torch.manual_seed(0)
    model, sqnr = exported(Clipped(activation, scale), tmp_path, ranges)
    assert [node.op_type for node in model.graph.node if node.op_type in ("Relu", "Clip")] == []
    assert sqnr > 20


def test_limits_of_folded_activations():
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("Clip", ["a", "", "six"], ["b"], "most"),
        node("Relu", ["b"], ["c"], "least"),
        node("Clip", ["c", "computed"], ["d"], "unknown"),
        node("Relu", ["x"], ["e"], "of the input"),
    ]
    model = graph(nodes, ["d"])
    model.graph.initializer.append(numpy_helper.from_array(np.float32(6), "six"))
    activations = folded(model)
    assert list(activations) == ["a", "b", "c"]
    assert limits(model, activations.values()) == {"b": (-np.inf, 6.0), "c": (0.0, 6.0), "d": (np.inf, 6.0)}
    assert folded(model, ["least"], symmetric=False).keys() == {"a", "c"}
    assert folded(model, symmetric=True) == {}


def graph(nodes: list[onnx.NodeProto], outputs: list[str]) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    made = [value(name, TensorProto.FLOAT, None) for name in outputs]
    return helper.make_model(helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, [1, 4])], made))


def test_float_nodes_and_folded_relus_tie_nothing():
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("Relu", ["a"], ["b"], "act"),
        node("Concat", ["b", "x"], ["c"], "first", axis=1),
        node("Relu", ["c"], ["d"], "clipped"),
        node("Transpose", ["d"], ["e"], "turn"),
        node("Concat", ["e", "f"], ["y"], "second", axis=1),
    ]
    model = graph(nodes, ["y"])
    assert [sorted(names) for names in joined_sets(model)] == [["d", "e", "f", "y"]]
    assert [sorted(names) for names in joined_sets(model, ["turn"])] == [["e", "f", "y"]]
    assert joined_sets(model, ["second"]) == []
    first, second = joined_sets(model, symmetric=True)  # the ReLU stays, and its input has a range of its own
    assert (sorted(first), sorted(second)) == (["b", "c", "x"], ["d", "e", "f", "y"])


def test_a_split_ties_what_it_does_not_leave_to_an_activation_and_constants_alone_tie_nothing():
    node = helper.make_node
    nodes = [
        node("Split", ["x"], ["a", "b"], "parts", axis=1),
        node("Relu", ["a"], ["c"], "act"),
        node("Concat", ["c", "b"], ["y"], "join", axis=1),
        node("Concat", ["w", "w"], ["z"], "constant", axis=1),
    ]
    model = graph(nodes, ["y", "z"])
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "w"))
    assert [sorted(names) for names in joined_sets(model)] == [["b", "c", "x", "y"]]
