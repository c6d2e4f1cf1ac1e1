"""Every computing node becomes a module under the path of its layer, and computes what it did."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card, profile_for
from edgekit.passes.absorb_scale import Shift
from edgekit.passes.flatten_maps import RowShift
from edgekit.passes.name_layers import module_kinds, name_layers
from edgekit.passes.pack_pixels import PackedColumns, PackedConv, PackedRows
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
        ("stem_1", "stem", "conv", "dense-conv", "first", "stem", "early"),
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
    ("behind", "kinds"),
    [
        ((nn.ReLU6(), nn.Conv2d(8, 8, 3, groups=8)), ["conv", "relu"]),
        ((nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 1)), ["conv", "relu", "max-pool"]),
        ((nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=8)), ["conv", "max-pool"]),
        ((nn.AvgPool2d(2), nn.Conv2d(8, 8, 1)), ["conv"]),
        ((nn.Hardswish(),), ["conv", "hard-swish"]),
    ],
)
def test_the_stem_is_the_first_convolution_with_activation_and_max_pooling(behind, kinds):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), *behind)
    traced, _ = apply_rewrites(network.eval(), [], torch.zeros(1, 3, 16, 16))
    assert [layer.kinds[0] for layer in name_layers(traced) if "stem" in layer.kinds] == kinds


def test_a_stem_that_is_read_twice_ends_there():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = nn.Conv2d(3, 8, 3), nn.MaxPool2d(3, 1, 1)

        def forward(self, x):
            x = self.conv(x)
            return x + self.pool(x)

    _, layers = named(Twice().eval(), ())
    assert [layer.path for layer in layers if "stem" in layer.kinds] == ["conv"]


def test_early_is_what_large_maps_are_made_of():
    """Maps of 32, 4 and 2 pixels; a gate of one pixel belongs to the map that it scales."""

    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.gate = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 1)
            self.narrow, self.late = nn.Conv2d(4, 4, 8, 8), nn.Conv2d(4, 4, 2, 2)
            self.head = nn.Linear(4, 5)

        def forward(self, x):
            x = self.stem(x)
            x = x * self.gate(x.mean((2, 3), keepdim=True))
            return self.head(self.late(self.narrow(x)).mean((2, 3)))

    _, layers = named(nn.Sequential(Gated()).eval(), (), (3, 64, 64))
    assert [layer.path for layer in layers if "early" in layer.kinds] == ["0.stem", "0.mean", "0.gate", "0.mul"]


def test_packed_convolutions_count_as_convolutions():
    assert module_kinds(PackedConv(nn.Conv2d(8, 2, 3, padding=1), 2))[0] == "conv"
    assert module_kinds(PackedRows(nn.Conv2d(8, 2, 3, padding=1), 2))[0] == "conv"
    assert module_kinds(PackedColumns(nn.Conv2d(8, 2, 3, padding=1), 2))[0] == "conv"


def test_a_shift_is_called_the_same_on_rows_of_pixels():
    values = torch.zeros(2)
    assert module_kinds(RowShift(values)) == module_kinds(Shift(values)) == ("shift",)
