"""OpenVINO's 8-bit weights on CPUs whose byte products saturate: no pair overflows, and the values are kept."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
import torch
from torch import nn

from edgekit.base.target import saturates
from edgekit.convert.int8.weight_range import STEPS, largest_pair, largest_weight
from edgekit.convert.int8.weight_rounding import rounded_weight
from edgekit.convert.job import Job
from edgekit.convert.openvino.convert import quantize
from edgekit.convert.openvino.weights import READERS
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Preprocessing

LAYERS = {
    "pointwise": nn.Conv2d(64, 16, 1),
    "3x3": nn.Conv2d(16, 16, 3),
    "odd": nn.Conv2d(3, 16, 3),
    "grouped": nn.Conv2d(32, 16, 1, groups=4),
    "depthwise": nn.Conv2d(24, 24, 3, groups=24),
    "linear": nn.Linear(32, 10),
}


def loud(layer: nn.Module) -> torch.Tensor:
    """Weights near the largest, most of one sign: with the brightest input any saturation shows in the sums."""
    torch.manual_seed(0)
    shape = layer.weight.shape
    return torch.where(torch.rand(shape) < 0.7, 1.0, -1.0) * (1 - 0.2 * torch.rand(shape))


def quantized(
    layer: nn.Module, tmp_path, target: str = "x86-avx2", weight: torch.Tensor | None = None
) -> tuple[openvino.Model, torch.Tensor]:
    """The layer with loud weights (or these) in int8, calibrated on 0 to 1, and an input of ones."""
    layer.weight.data.copy_(loud(layer) if weight is None else weight)
    bright = torch.ones(1, 32) if isinstance(layer, nn.Linear) else torch.ones(1, layer.in_channels, 6, 6)
    rows = torch.rand(4, *bright.shape[1:]).numpy()
    rows[0], rows[1] = 0, 1  # NNCF gives a depthwise convolution a range for each channel
    preprocessing = Preprocessing(resize=6, crop=6, mean=(0.0,) * 3, std=(1.0,) * 3)
    (profile,) = choose_profiles("openvino", int8=True, ranges="min-max")
    job = Job(layer.eval(), profile, target, preprocessing, rows, tmp_path)
    model = openvino.convert_model(layer, example_input=bright, input=[*bright.shape])
    return quantize(model, job, ()), bright


def stored(model: openvino.Model) -> tuple[np.ndarray, np.ndarray]:
    """The integers of the only weights of a model, and what a step of them stands for."""
    (reader,) = (op for op in model.get_ops() if op.get_type_name() in READERS)
    multiply = reader.input_value(1).get_node()
    if multiply.get_type_name() == "Reshape":  # of a grouped convolution
        multiply = multiply.input_value(0).get_node()
    assert multiply.get_type_name() == "Multiply"
    convert, scale = (multiply.input_value(end).get_node() for end in (0, 1))
    integers = convert.input_value(0).get_node()
    assert str(integers.get_element_type()) == "<Type: 'int8_t'>"
    return np.array(integers.get_data()), np.array(scale.get_data(), np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_no_pair_overflows_and_the_values_are_kept(name, tmp_path):
    layer = LAYERS[name]
    model, bright = quantized(layer, tmp_path)
    integers, scale = stored(model)
    weight = layer.weight.detach()
    assert np.abs(integers * scale - weight.numpy().reshape(integers.shape)).max() <= scale.max() * 0.501
    rows = integers.reshape(weight.shape).astype(np.int64)
    flat = rows.reshape(len(rows), -1)
    for signed in (flat, -flat):
        positive = np.sort(np.maximum(signed, 0), axis=1)
        if name == "odd":  # of any two weights
            assert (positive[:, -2:].sum(1) <= 128).all()
        elif name != "depthwise":
            ordered = np.maximum(signed, 0).reshape(len(rows), -1, 2)
            assert ordered.sum(2).max() <= 128
            by_channel = np.moveaxis(np.maximum(signed, 0).reshape(rows.shape), 1, -1).reshape(len(rows), -1, 2)
            assert by_channel.sum(2).max() <= 128
    # Nothing is given up without need: 8 bits where nothing is added up, less than a bit elsewhere.
    assert np.abs(flat).max() == STEPS if name == "depthwise" else np.abs(flat).max() >= 64
    with torch.no_grad():
        exact = layer(bright).numpy()
    (made,) = openvino.compile_model(model, "CPU")(bright.numpy()).values()
    assert np.abs(made - exact).max() < 0.02 * np.abs(exact).max()


@pytest.mark.parametrize("target", ["x86-avx2", "x86-vnni"])
@pytest.mark.parametrize("name", ["pointwise", "odd", "depthwise"])
def test_compensated_weights_are_stored_as_they_are(name, target, tmp_path):
    layer = LAYERS[name]
    layer.weight.data.copy_(loud(layer))
    seen = torch.rand(8, layer.in_channels, 6, 6)
    rounded = rounded_weight(layer, seen + seen.mean(1, keepdim=True), STEPS, saturates(target)).detach()
    integers, scale = stored(quantized(layer, tmp_path, target, rounded)[0])
    assert np.abs(integers * scale - rounded.numpy().reshape(integers.shape)).max() < scale.min() * 1e-3


def test_an_odd_number_of_channels_pairs_any_two():
    rows = torch.tensor([[0.5, -0.9, 0.6]]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(largest_pair(rows), torch.tensor([1.1]))
    even = torch.tensor([[0.5, -0.9, 0.6, 0.1]]).reshape(1, 4, 1, 1)
    torch.testing.assert_close(largest_pair(even), largest_weight(even, depthwise=False))


def test_targets_that_do_not_saturate_keep_all_steps(tmp_path):
    integers, _ = stored(quantized(LAYERS["pointwise"], tmp_path, "x86-vnni")[0])
    assert (np.abs(integers).reshape(16, -1).max(1) == STEPS).all()


@pytest.mark.parametrize("target", ["x86-avx2", "x86-vnni"])
@pytest.mark.parametrize("name", ["pointwise", "depthwise", "linear"])
def test_a_channel_of_huge_weights_takes_nothing_from_the_others(name, target, tmp_path):
    """Training leaves them where a channel sleeps; NNCF's scale of every channel is a hundredth of the largest's."""
    layer = LAYERS[name]
    weight = loud(layer)
    weight[0] *= 2000
    integers, scale = stored(quantized(layer, tmp_path, target, weight)[0])
    error = np.abs(integers * scale - weight.numpy().reshape(integers.shape)).reshape(len(weight), -1).max(1)
    own = weight.flatten(1).abs().amax(1).numpy()
    assert (error <= own / STEPS * (1.0 if name != "depthwise" and target == "x86-avx2" else 0.51)).all()


def test_a_channel_of_zeros_stays_one(tmp_path):
    layer = LAYERS["depthwise"]
    weight = loud(layer)
    weight[3] = 0
    model, bright = quantized(layer, tmp_path, "x86-vnni", weight)
    integers, scale = stored(model)
    assert np.isfinite(scale).all()
    assert not integers.reshape(24, -1)[3].any()
    (made,) = openvino.compile_model(model, "CPU")(bright.numpy()).values()
    with torch.no_grad():
        assert np.abs(made - layer(bright).numpy()).max() < 0.02 * np.abs(made).max()
