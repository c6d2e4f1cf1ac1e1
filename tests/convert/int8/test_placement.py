"""The search for tensors in float and second scales: it finds what a network was made to suffer from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgekit.convert.int8.placement import Move, Search
from edgekit.convert.int8.simulation import Runner, Scheme, Simulation
from edgekit.convert.int8.two_scales import channel_ranges, shared, two_sets
from edgekit.passes.name_layers import name_layers
from edgekit.passes.pipeline import apply_rewrites
from edgekit.passes.split_expansion import expansions

SCHEME = Scheme(weight_steps=127, per_channel=True, symmetric=False)


class Uneven(nn.Module):
    """An expansion with eight channels that reach a thousand times as far, until the depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.expand, self.act = nn.Conv2d(8, 24, 1), nn.ReLU()
        self.depthwise = nn.Conv2d(24, 24, 3, padding=1, groups=24)
        self.project, self.pool = nn.Conv2d(24, 6, 1), nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.act(self.expand(self.act(self.first(x))))
        return self.pool(self.project(self.depthwise(x))).flatten(1)


@pytest.fixture
def searched():
    torch.manual_seed(0)
    network = Uneven().eval()
    with torch.no_grad():
        network.expand.bias[:] = 1.0  # no channel is always zero
        for values in (network.expand.weight, network.expand.bias):
            values[8:16] *= 1000
        network.depthwise.weight[8:16] /= 1000
    graph, _ = apply_rewrites(network, (), torch.zeros(1, 3, 12, 12))
    (expansion,) = expansions(graph).values()
    layers = name_layers(graph)
    images = torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(3))
    simulation = Simulation(graph, layers, images, SCHEME)
    node = expansion.between[-1]
    ranges = channel_ranges(Runner(graph), images, {node})[node]
    sets = two_sets(ranges)
    assert sets[1] == list(range(8, 16))
    splits = {str(expansion.depthwise.target): {node: shared(ranges, sets)}}
    return lambda most_float: Search(simulation, frozenset(), splits, most_float)


def test_a_second_scale_is_taken_first_where_channels_are_uneven(searched):
    search = searched(0.3)
    before = search.sqnr_db
    first = next(search.moves(60.0))
    assert first.split == "depthwise_1"
    assert first.layers == frozenset()
    assert first.sqnr_db > before + 10
    assert search.share == 0


def test_float_is_bounded_and_never_undoes_a_split(searched):
    search = searched(0.3)
    moves = list(search.moves(200.0))
    assert sum(move.share for move in moves) <= 0.3
    assert search.share == pytest.approx(sum(move.share for move in moves))
    assert not {"depthwise_1", "expand_1", "act_1_1"} & {name for move in moves for name in move.layers}
    rising = [move.sqnr_db for move in moves]
    assert rising == sorted(rising)


def test_a_tensor_goes_to_float_with_all_that_makes_and_reads_it(searched):
    found = {move.layers for move in searched(1.0).candidates() if not move.split}
    assert frozenset({"first_1", "act_1", "expand_1", "act_1_1"}) in found
    assert frozenset({"depthwise_1", "project_1"}) in found
    assert Move(frozenset(), "depthwise_1", 0.0) in set(searched(1.0).candidates())


def test_nothing_is_moved_within_the_budget(searched):
    assert list(searched(0.5).moves(-50.0)) == []


class InPlace(nn.Module):
    """An activation writes into a tensor that a sum reads later, and into one part of a tensor that was split."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.act, self.pool = nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.first(x)
        y = self.second(x)
        left, right = self.act(x).chunk(2, 1)
        return self.pool(torch.cat([left + y[:, :4], self.act(right - 0.1)], 1)).flatten(1)


@pytest.mark.parametrize("kind", [Uneven, InPlace])
def test_a_change_is_the_same_from_where_it_is_made_as_from_the_start(kind):
    """Only what is behind a change runs again, with the values of the one run in float."""
    torch.manual_seed(0)
    graph, _ = apply_rewrites(kind().eval(), (), torch.zeros(1, 3, 12, 12))
    layers = name_layers(graph)
    images = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(3))
    simulation = Simulation(graph, layers, images, SCHEME)
    assert simulation._writes_in_place is (kind is InPlace)
    search = Search(simulation, frozenset(), {}, 1.0)
    search.noise_with(frozenset(), "")
    assert len(search.own) > len(layers)
    (scores,) = graph.graph.output_node().all_input_nodes
    every = frozenset(simulation.layers)
    for rounding, noise in search.own.items():
        weights = simulation.rounded_weights({rounding.weights} if rounding.weights else ())
        with torch.no_grad():
            for node, values in simulation.runner.walk(images, weights):
                if node is rounding.tensor:
                    values[node] = simulation.stored(node, values, every)
        assert noise == float((values[scores].double() - simulation.scores.double()).square().sum()), rounding
        assert noise > 0 or rounding.tensor is not None
