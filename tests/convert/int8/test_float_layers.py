"""Which layers a pattern chooses, and what is said of one that chooses none."""

from __future__ import annotations

import pytest

from edgekit.convert.int8.float_layers import float_layers, layers_in
from edgekit.errors import UsageError
from edgekit.types import Layer

LAYERS = (
    Layer(name="features_0_0", path="features.0.0", kinds=("conv", "dense-conv", "first"), feeds=("features_0_2",)),
    Layer(name="features_0_2", path="features.0.2", kinds=("hard-swish",), feeds=("features_1_0", "features_1_add")),
    Layer(name="features_1_0", path="features.1.0", kinds=("conv", "depthwise-conv"), feeds=("features_1_add",)),
    Layer(name="features_1_add", path="features.1.add", kinds=("add",), feeds=("features_10_0",)),
    Layer(name="features_10_0", path="features.10.0", kinds=("conv", "pointwise-conv"), feeds=("relu", "head")),
    Layer(name="relu", path="relu", kinds=("relu",), feeds=("head",)),
    Layer(name="head", path="head", kinds=("linear", "last")),
)


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ((), []),
        (("features.1",), ["features.1.0", "features.1.add"]),
        (("features.1.*",), ["features.1.0", "features.1.add"]),
        (("features.1*",), ["features.1.0", "features.1.add", "features.10.0"]),
        (("features.0.0",), ["features.0.0", "features.0.2"]),  # the activation goes with its convolution
        (("features.0.2",), ["features.0.2"]),
        (("features.10.0",), ["features.10.0"]),  # two read it
        (("@depthwise-conv", "@last"), ["features.1.0", "head"]),
        (("@conv",), ["features.0.0", "features.0.2", "features.1.0", "features.10.0"]),
    ],
)
def test_chosen(patterns, chosen):
    assert [layer.path for layer in float_layers(LAYERS, patterns)] == chosen


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("@depthwise_conv", "did you mean @depthwise-conv"),
        ("feature.1.add", "did you mean features.1.add"),
        ("features.2.*", "features.1"),
        ("features_1_0", "did you mean"),
    ],
)
def test_pattern_without_a_layer(pattern, hint):
    with pytest.raises(UsageError, match="no layer of the network matches") as caught:
        float_layers(LAYERS, ["@conv", pattern])
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("__module.network.features_0_0/aten::_convolution/Convolution", {"features_0_0"}),
        ("network.features_0_2.relu6", {"features_0_2"}),
        ("network.features_0_2.relu", {"features_0_2"}),  # inside one layer, called like another
        ("/features_0_2/features_0_2.relu6/relu6", {"features_0_2"}),
        ("features_1_add", {"features_1_add"}),
        ("aten::relu/Relu", set()),
        ("add_relu", set()),
        ("features_1_00", set()),
    ],
)  # fmt: skip
def test_layers_of_a_scope(scope, found):
    assert layers_in(scope, {layer.name for layer in LAYERS}) == found
