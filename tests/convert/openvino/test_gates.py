"""Squeeze-and-excitation with biases, as trained networks have it, is computed in int8 and means the same."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
import torch
from torch import nn

from edgekit.agent.runtimes.openvino import EXACT_INT8
from edgekit.base.target import host_target, saturates
from edgekit.convert.job import Job
from edgekit.convert.openvino.convert import quantize
from edgekit.convert.openvino.gates import join_gates, part_gates
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Preprocessing
from edgekit.verify.parity import sqnr_db
from edgekit.zoo.blocks import SqueezeExcite


@pytest.fixture(params=[nn.Hardsigmoid, nn.Sigmoid])
def network(request):
    torch.manual_seed(0)
    gated = SqueezeExcite(16, 8, request.param)
    nn.init.uniform_(gated.fc1.bias, -0.3, 0.3)
    nn.init.uniform_(gated.fc2.bias, -0.3, 0.3)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), gated, nn.Conv2d(16, 10, 8), nn.Flatten()).eval()


@pytest.fixture
def rows():
    return torch.randn(8, 3, 10, 10, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model(network, rows):
    return openvino.convert_model(network, example_input=rows[:1], input=[1, 3, 10, 10])


@pytest.mark.parametrize("target", ["x86-avx2", "x86-vnni"])
def test_every_convolution_computes_in_int8(network, rows, model, target, tmp_path):
    preprocessing = Preprocessing(resize=10, crop=10, mean=(0.0,) * 3, std=(1.0,) * 3)
    profile = choose_profiles("openvino", int8=True, ranges="min-max")[0]
    kinds = {op.get_type_name() for op in model.get_ordered_ops()}
    quantized = quantize(model, Job(network, profile, target, preprocessing, rows.numpy(), tmp_path), ())
    convolutions = [op for op in quantized.get_ordered_ops() if op.get_type_name() == "Convolution"]
    assert len(convolutions) == 4
    assert [op.input_value(0).get_node().get_type_name() for op in convolutions] == ["FakeQuantize"] * 4
    assert {op.get_type_name() for op in quantized.get_ordered_ops()} <= {*kinds, "FakeQuantize", "Convert", "Multiply"}
    overflows = saturates(host_target()) and not saturates(target)
    way = EXACT_INT8 if overflows else {}
    compiled = openvino.compile_model(quantized, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **way})
    with torch.no_grad():
        exact = network(rows).numpy()
    assert sqnr_db(exact, np.concatenate([compiled(row[None])[0] for row in rows.numpy()])) > 25


def test_parted_and_joined_is_the_same_graph(model):
    before = [(op.get_type_name(), op.get_friendly_name()) for op in model.get_ordered_ops()]
    assert part_gates(model) == 1
    assert join_gates(model) == 1
    names = [op.get_friendly_name() for op in model.get_ordered_ops()]
    assert sorted(names) == sorted(name for _, name in before)
    assert join_gates(model) == 0
