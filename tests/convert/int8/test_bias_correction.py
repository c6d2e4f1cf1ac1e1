"""Corrected biases: the means of float, and rounding that is the runtimes' own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgekit.artifacts.prepare import ExportOptions
from edgekit.convert.int8.bias_correction import correct_biases
from edgekit.convert.int8.range_choice import with_ranges
from edgekit.convert.int8.simulation import Scheme, Simulation, evenly, quantized_values, quantized_weight, scheme_of
from edgekit.convert.int8.weight_range import largest_weight
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites
from edgekit.types import Quantization
from edgekit.verbs.export import export
from tests.convert.conftest import Way

COARSE = Scheme(weight_steps=7, per_channel=True, symmetric=False)
MIN_MAX = Quantization(ranges="min-max")


class Small(nn.Module):
    """A convolution with its ReLU, a depthwise one, a sum, a head."""

    def __init__(self):
        super().__init__()
        self.first, self.relu = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU()
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.first(x))
        return self.head(torch.flatten(self.pool(self.depthwise(x) + x), 1))


@pytest.fixture
def named():
    torch.manual_seed(0)
    network, _ = apply_rewrites(Small().eval(), [], torch.zeros(1, 3, 6, 6))
    return network, name_layers(network)


@pytest.fixture
def images():
    return torch.rand(12, 3, 6, 6, generator=torch.Generator().manual_seed(1)) + 0.2


def test_the_mean_of_every_layer_comes_back(named, images):
    network, layers = named
    before = Simulation(network, layers, images, COARSE)
    everything = frozenset(before.layers)
    exact, worse = before.scores, before.scores_with(everything)
    assert correct_biases(network, layers, images, COARSE, MIN_MAX, frozenset()) == 3
    after = Simulation(network, layers, images, COARSE).scores_with(everything)
    assert (exact - after).mean(0).abs().max() < 0.2 * (exact - worse).mean(0).abs().max()
    assert (exact - after).square().sum() < 0.5 * (exact - worse).square().sum()


@pytest.mark.parametrize("outlier", [50.0, 5000.0])
def test_activations_are_rounded_over_the_ranges_of_the_artifact(named, outlier):
    """Smallest and largest value make steps of a fifth and more here, whose shifts no artifact without outliers has.
    What is lost of an outlier is no reason to shift the others.
    """
    network, layers = named
    images = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(1)) + 0.2
    images[3, 0, 5, 5] = outlier
    usual = torch.cat([images[:3], images[4:]])
    settings = Quantization(ranges="outliers")
    before = with_ranges(network, layers, images, COARSE, settings)
    before.look_at(usual)
    exact, worse = before.scores, before.scores_with(frozenset(before.layers))
    assert correct_biases(network, layers, images, COARSE, settings, frozenset()) == 3
    after = with_ranges(network, layers, images, COARSE, settings)
    after.look_at(usual)
    corrected = after.scores_with(frozenset(after.layers))
    assert (exact - corrected).square().sum() < 0.5 * (exact - worse).square().sum()


def test_what_stays_in_float_is_left_alone(named, images):
    network, layers = named
    state = {key: value.clone() for key, value in network.state_dict().items()}
    assert correct_biases(network, layers, images, COARSE, MIN_MAX, frozenset(layer.name for layer in layers)) == 0
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_only_what_is_asked_for_is_quantized(named, images):
    network, layers = named
    simulation = Simulation(network, layers, images, COARSE)
    assert simulation.noise(()) == 0
    assert 0 < simulation.noise(["depthwise_1"]) < simulation.noise(frozenset(simulation.layers))
    assert simulation.group("first_1") == ("first_1", "relu_1")
    assert simulation.group("depthwise_1") == ("depthwise_1",)
    assert simulation.macs == {"first_1": 36 * 8 * 27, "depthwise_1": 36 * 8 * 9, "head_1": 40}


@settings(max_examples=50, deadline=None)
@given(low=st.floats(-50, 50), width=st.floats(1e-3, 100), symmetric=st.booleans())
def test_rounding_is_within_half_a_step_of_what_the_range_holds(low, width, symmetric):
    high = low + width
    values = torch.linspace(low, high, 101)
    step = max(abs(low), abs(high)) / 127 if symmetric else (max(high, 0.0) - min(low, 0.0)) / 255
    rounded = quantized_values(values, low, high, symmetric)
    # The zero point is rounded too, so that the ends may be off by a step.
    assert (rounded - values).abs().max() <= step * 1.001 + 1e-5
    assert len(rounded.unique()) <= 256
    assert quantized_values(torch.zeros(1), low, high, symmetric).item() == 0


def test_evenly_takes_the_first_and_the_last():
    assert evenly(torch.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert evenly(torch.arange(3), 4).tolist() == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["x86-avx2", "armv8.0"])
def test_weights_are_rounded_as_onnx_runtime_rounds_them(card_file, tmp_path, target):
    """With another step the correction would be for another rounding, and do harm."""
    import onnx

    way = Way("onnx", "int8", target=target)
    # Eight bits saturate on some of the machines that run this test.
    anything = way.profile.parity.model_copy(
        update={"min_cosine": -1.0, "min_sqnr_db": -99.0, "min_image_sqnr_db": None, "max_abs_error": 99.0}
    )
    profile = way.profile.model_copy(update={"parity": anything})
    (outcome,) = export([str(card_file)], [profile], ExportOptions(out=tmp_path), print)
    assert outcome.status == "converted", outcome.error
    assert outcome.artifact.quantization["bias_correction"] == "empirical"
    graph = onnx.load_model(outcome.folder / "model.onnx").graph
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    compared = 0
    for node in graph.node:
        stored = constants.get(node.input[0])
        if node.op_type != "DequantizeLinear" or stored is None or stored.ndim != 4:
            continue
        scale = constants[node.input[1]].reshape(-1, 1, 1, 1)
        scheme = scheme_of(way.profile.quantization, target, "onnx")
        depthwise = stored.shape[1] == 1
        if scheme.paired:
            # Each row's largest weight, or largest pair of neighbours, is a full step, but for rounding.
            ends = largest_weight(torch.from_numpy(stored.astype(np.float32)), depthwise)
            assert ((ends - scheme.weight_steps).abs() <= 1).all()
        else:
            # Rounded again with the same scheme, what the integers stand for stays: the largest is a full step.
            real = torch.from_numpy(stored.astype(np.float32) * scale)
            assert np.abs(stored).max() == scheme.weight_steps
            torch.testing.assert_close(quantized_weight(real, scheme, depthwise), real, rtol=1e-5, atol=1e-7)
        compared += 1
    assert compared > 40
