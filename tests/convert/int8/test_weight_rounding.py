"""Rounding that makes errors good: on the quantizer's own steps, and nearer in what a layer gives."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from edgekit.catalog import profile_for
from edgekit.convert.int8.simulation import Scheme, quantized_weight
from edgekit.convert.int8.weight_range import is_depthwise
from edgekit.convert.int8.weight_rounding import round_weights, rounded_weight
from edgekit.passes.name_layers import name_layers
from edgekit.types import ExportProfile

LAYERS = {
    "dense": lambda: nn.Conv2d(6, 10, 3, padding=1, stride=2),
    "same": lambda: nn.Conv2d(6, 10, 3, padding="same"),
    "grouped": lambda: nn.Conv2d(6, 9, 3, groups=3),
    "depthwise": lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6),
    "pointwise": lambda: nn.Conv2d(24, 10, 1),
    "linear": lambda: nn.Linear(24, 10),
}


def inputs(layer: nn.Module, seed: int) -> torch.Tensor:
    """Positive values that channels share in part, as behind a ReLU."""
    count = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    made = torch.rand(16, count + 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    mixed = made[:, :count] + made[:, count:]
    return mixed.mean((2, 3)) if isinstance(layer, nn.Linear) else mixed


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_the_outputs_err_less(name, paired):
    torch.manual_seed(0)
    layer = LAYERS[name]()
    steps = 15  # coarse, so that more than chance is seen
    scheme = Scheme(weight_steps=steps, per_channel=True, symmetric=False, paired=paired)
    nearest = quantized_weight(layer.weight.detach(), scheme, is_depthwise(layer))
    rounded = rounded_weight(layer, inputs(layer, 0), steps, paired)
    fresh = inputs(layer, 1)  # which the rounding has not seen
    with torch.no_grad():
        exact = layer(fresh)
        errors = [
            float((torch.func.functional_call(layer, {"weight": weight}, (fresh,)) - exact).square().sum())
            for weight in (nearest, rounded)
        ]
    assert errors[1] < 0.7 * errors[0]
    # The quantizer takes the step from the largest weight, and what is there needs no rounding.
    torch.testing.assert_close(quantized_weight(rounded, scheme, is_depthwise(layer)), rounded, rtol=1e-5, atol=1e-7)
    assert torch.equal(rounded.flatten(1).abs().amax(1) > 0, layer.weight.flatten(1).abs().amax(1) > 0)


def test_layers_in_float_and_dead_inputs():
    torch.manual_seed(0)
    network = torch.fx.symbolic_trace(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).eval()
    )
    with torch.no_grad():
        network.get_submodule("0").weight[2] = 0
        network.get_submodule("0").bias[2] = -1  # channel 2 is never above zero
    layers = name_layers(network)
    first, second = (layer.name for layer in layers if "conv" in layer.kinds)
    before = {name: network.get_submodule(name).weight.clone() for name in (first, second)}
    scheme = Scheme(weight_steps=127, per_channel=True, symmetric=False)
    images = torch.rand(4, 3, 9, 9)
    assert round_weights(network, layers, images, scheme, frozenset({first})) == 1
    assert torch.equal(network.get_submodule(first).weight, before[first])
    change = (network.get_submodule(second).weight - before[second]).abs().flatten(1)
    step = before[second].flatten(1).abs().amax(1, keepdim=True) / 127
    assert 0 < change.max() < 10 * step.max()
    assert torch.isfinite(change).all()


@pytest.mark.parametrize(
    ("format_", "weights", "message"),
    [
        ("onnx", "per-channel", "rounding = 'compensated' is for TFLite and OpenVINO only"),
        ("openvino", "per-tensor", "rounding = 'compensated' needs weights = \"per-channel\""),
    ],
)
def test_who_does_not_take_it(format_, weights, message):
    base = profile_for(format_, "int8")
    quantization = {**base.quantization.model_dump(), "rounding": "compensated", "weights": weights}
    with pytest.raises(ValidationError, match=message):
        ExportProfile.model_validate({**base.model_dump(), "quantization": quantization})
