"""Every computing node becomes a module under the path of its layer, and computes what it did."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card, profile_for
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites
from edgekit.zoo.registry import create


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU6())
        self.project = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        return x + self.project(self.conv(x)) + x.mean((2, 3), keepdim=True)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        x = nn.functional.relu(self.blocks(self.stem(x)))
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def named(network, rewrites=("fold_batch_norm",), shape=(3, 16, 16)):
    graph, _ = apply_rewrites(network, rewrites, torch.zeros(1, *shape))
    return graph, name_layers(graph)


def test_layers_of_a_small_network():
    graph, layers = named(Network().eval())
    assert [(layer.name, layer.path, *layer.kinds) for layer in layers][:6] == [
        ("stem_1", "stem", "conv", "dense-conv", "first", "stem"),
        ("blocks_0_conv_0", "blocks.0.conv.0", "conv", "depthwise-conv"),
        ("blocks_0_conv_2", "blocks.0.conv.2", "relu"),
        ("blocks_0_project", "blocks.0.project", "conv", "pointwise-conv"),
        ("blocks_0_add", "blocks.0.add", "add"),
        ("blocks_0_mean", "blocks.0.mean", "average-pool"),
    ]
    assert [layer.path for layer in layers if layer.path.startswith("blocks.1.add")] == [
        "blocks.1.add",
        "blocks.1.add_1",
    ]
    last = layers[-1]
    assert (last.path, last.kinds, last.feeds) == ("head", ("linear", "last"), ())
    feeds = {layer.name: layer.feeds for layer in layers}
    assert feeds["blocks_0_conv_0"] == ("blocks_0_conv_2",)
    assert set(feeds["stem_1"]) == {"blocks_0_conv_0", "blocks_0_add", "blocks_0_mean"}
    assert {n.target for n in graph.graph.nodes if n.op == "call_module"} == {layer.name for layer in layers}


@pytest.mark.parametrize("profile", ["onnx-int8", "tflite-int8"])
@pytest.mark.parametrize(
    "model", ["mobilenet_v3_small_0.35", "shufflenet_v1_g3_0.25", "shufflenet_v2_0.5", "igcv3_d_0.25_imagenet"]
)
def test_real_networks_compute_the_same_under_their_paths(model, profile):
    torch.manual_seed(0)
    card = find_card(model)
    network = create(card).eval()
    graph, _ = apply_rewrites(network, profile_for(*profile.split("-")).rewrites, torch.zeros(1, 3, 64, 64))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = graph(image)
        layers = name_layers(graph)
        assert torch.equal(graph(image), before)
    assert len({layer.name for layer in layers}) == len(layers) == len({layer.path for layer in layers})
    assert not any("." in layer.name for layer in layers)
    built = dict(network.named_modules())
    weighted = [layer for layer in layers if {"conv", "linear"} & set(layer.kinds)]
    # int8 forms write average pooling as a convolution
    assert {layer.path for layer in weighted} == {
        path for path, module in built.items() if isinstance(module, (nn.Conv2d, nn.Linear, nn.AvgPool2d))
    }


def test_module_that_is_called_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x))

    network, image = Twice().eval(), torch.randn(1, 3, 8, 8)
    graph, layers = named(network, (), (3, 8, 8))
    assert [layer.path for layer in layers] == ["conv", "conv_1"]
    with torch.no_grad():
        assert torch.equal(graph(image), network(image))


@pytest.mark.parametrize(
    ("behind", "named"),
    [
        ((nn.ReLU6(), nn.Conv2d(8, 8, 3, groups=8)), 2),
        ((nn.Conv2d(8, 8, 3, groups=8),), 2),
        ((nn.ReLU(), nn.Conv2d(8, 8, 3, groups=2)), 1),
        ((nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=8)), 1),
        ((nn.ReLU(),), 1),
    ],
)
def test_the_stem_is_the_first_convolution_and_a_depthwise_one_right_behind(behind, named):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), *behind)
    traced, _ = apply_rewrites(network.eval(), [], torch.zeros(1, 3, 16, 16))
    layers = [layer.name for layer in name_layers(traced) if "stem" in layer.kinds]
    assert len(layers) == named
