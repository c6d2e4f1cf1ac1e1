"""Depthwise convolutions whose input is stored in two tensors: the same function, in every block that can be split."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card, profile_for
from edgekit.passes.pipeline import apply_rewrites
from edgekit.passes.split_expansion import expansions, split_expansion
from edgekit.zoo.build import build_network

PROFILES = [profile_for(format_, "int8") for format_ in ("onnx", "tflite", "openvino")]


def rewritten(model: str, rewrites: tuple[str, ...]):
    card = find_card(model)
    network = build_network(card)
    return network, apply_rewrites(network, rewrites, torch.zeros(1, *card.input_shape))[0], card.input_shape


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.format)
@pytest.mark.parametrize("model", ["mobilenet_v3_small_0.35", "mobilenet_v2_0.25"])
def test_every_split_is_exact(model, profile):
    network, graph, shape = rewritten(model, profile.rewrites)
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    count = len(expansions(graph))
    assert count >= 9  # one for each block with an expansion
    generator = torch.Generator().manual_seed(2)
    for _ in range(count):
        name, expansion = next((n, e) for n, e in expansions(graph).items() if "part" not in n)
        channels = graph.get_submodule(name).in_channels
        order = torch.randperm(channels, generator=generator).tolist()
        split_expansion(graph, expansion, (order[:8], order[8:]))
    with torch.no_grad():
        wanted, found = network(x), graph(x)
    assert torch.allclose(wanted, found, atol=1e-4 * float(wanted.abs().max()))


class Block(nn.Module):
    """An expansion whose result is read by ``reader``."""

    def __init__(self, reader: nn.Module, twice: bool = False) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 16, 1), nn.Hardswish()
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.reader, self.twice = reader, twice

    def forward(self, x):
        expanded = self.act(self.conv(x))
        made = self.reader(self.depthwise(expanded))
        return made + expanded.mean() if self.twice else made


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (Block(nn.Conv2d(16, 4, 1)), 1),
        (Block(nn.Sequential(nn.ReLU6(), nn.Conv2d(16, 4, 3))), 1),
        (Block(nn.Conv2d(16, 4, 1), twice=True), 0),  # another reads the expansion
        (Block(nn.Conv2d(16, 16, 1, groups=2)), 0),  # its groups hold their channels together
        (Block(nn.Identity()), 0),  # the channels leave the network in their order
    ],
)
def test_only_what_nothing_else_reads_is_split(block, found):
    graph, _ = apply_rewrites(block.eval(), (), torch.zeros(1, 3, 8, 8))
    assert len(expansions(graph)) == found
