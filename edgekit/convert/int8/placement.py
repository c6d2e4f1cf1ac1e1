"""Search in simulation for the tensors that should stay in float or get a second scale, the most useful first. The unit
is the tensor: it stays in float when its producer and all its readers do. A layer in float whose result is stored in
int8 gains only its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from .range_choice import sqnr_db
from .simulation import ChannelRanges, Simulation, weighted_layers
from .tensor_noise import BORDER_COST

if TYPE_CHECKING:
    from torch import Tensor, fx

LEAST_GAIN = 0.01
"""A useful move removes at least this share of the noise power."""

MOST_MOVES = 32


@dataclass(frozen=True)
class Move:
    """A tensor or layer that goes to float, or a tensor that gets a second scale.

    Attributes:
        layers: names of the layers that go to float; none for a second scale.
        split: name of the depthwise convolution whose input gets it; empty for float.
        share: of the network's multiply-accumulates that go to float with it.
        sqnr_db: of the simulated scores with this move and all before it.
    """

    layers: frozenset[str]
    split: str
    share: float
    sqnr_db: float = -inf


class Rounding(NamedTuple):
    """A tensor that is stored, with two scales where ``split`` names a depthwise convolution; or a layer's weights."""

    tensor: fx.Node | None
    weights: str
    split: str


class Search:
    """A greedy search; its state is the set of tensors in float and those with two scales.

    What each rounding alone does to the scores is simulated once. As errors of many roundings add up by their power,
    what a move takes away is the sum over what it spares; only where the network stands after each move is simulated.
    (Among all the other noise at the start, one rounding less often shows no gain at all.)

    Args:
        simulation: of the network without any move.
        in_float: names of the layers in float from the start.
        splits: by the depthwise convolution, what its input and what makes that have for ranges with two scales.
        most_float: share of multiply-accumulates that may go to float.
    """

    def __init__(
        self,
        simulation: Simulation,
        in_float: frozenset[str],
        splits: Mapping[str, Mapping[fx.Node, ChannelRanges]],
        most_float: float,
    ) -> None:
        self.simulation = simulation
        self.in_float, self.split = in_float, frozenset[str]()
        self.splits, self.most_float = splits, most_float
        self.channels = dict(simulation.channels)
        self.total = sum(simulation.macs.values())
        self.share = 0.0
        self.own: dict[Rounding, float] = {}

    @property
    def sqnr_db(self) -> float:
        """Of the simulated scores as things stand."""
        self.use(self.split)
        noise = self.simulation.noise(frozenset(self.simulation.layers) - self.in_float)
        return sqnr_db(self.simulation.scores, noise)

    def use(self, split: frozenset[str]) -> None:
        """Give the tensors of these splits two scales in the simulation, and one to the others."""
        chosen = {node: ranges for name in split for node, ranges in self.splits[name].items()}
        self.simulation.channels = self.channels | chosen

    def moves(self, budget_db: float) -> Iterator[Move]:
        """Yield moves, each made when it is yielded, until the budget is met or no move is worth its cost."""
        candidates = list(self.candidates())
        reached = self.sqnr_db
        for _ in range(MOST_MOVES):
            if reached >= budget_db:
                return
            taken = self.best(candidates)
            if taken is None:
                return
            self.in_float |= taken.layers
            self.split |= {taken.split} if taken.split else frozenset()
            self.share += taken.share
            reached = self.sqnr_db
            yield Move(taken.layers, taken.split, taken.share, reached)

    def best(self, candidates: Sequence[Move]) -> Move | None:
        """The move that takes most noise for its cost; None where none is worth it."""
        now = self.noise_with(frozenset(), "")
        open_ = [left for move in candidates if (left := self.left_of(move)) is not None]
        gains = {
            move: now - self.noise_with(move.layers, move.split)
            for move in open_
            if move.share <= self.most_float - self.share
        }
        good = [move for move, gain in gains.items() if gain >= LEAST_GAIN * now]
        return max(good, key=lambda move: gains[move] / (move.share + BORDER_COST), default=None)

    def noise_with(self, more: frozenset[str], split: str) -> float:
        """Noise power of the scores with more layers in float, or one more tensor of two scales, as a sum."""
        quantized = frozenset(self.simulation.layers) - self.in_float - more
        splits = self.split | ({split} if split else frozenset())
        two = {node: name for name in splits for node in self.splits[name]}
        tensors = (node for node in self.simulation.ranges if self.simulation.is_quantized(node, quantized))
        roundings = [Rounding(node, "", two.get(node, "")) for node in tensors]
        roundings += [Rounding(None, name, "") for name in quantized & self.simulation.macs.keys()]
        self.learn(roundings)
        return sum(self.own[rounding] for rounding in roundings)

    def learn(self, roundings: Sequence[Rounding]) -> None:
        """Simulate what each of these that is not known yet does to the scores, alone."""
        nodes = {str(node.target): node for node in self.simulation.runner.graph.nodes}
        new: dict[fx.Node, list[Rounding]] = {}
        for one in roundings:
            if one not in self.own:
                new.setdefault(one.tensor or nodes[one.weights], []).append(one)
        if new:
            changes = {node: [partial(self.rounded, node, one) for one in found] for node, found in new.items()}
            for node, noises in self.simulation.noises_of(changes):
                self.own |= dict(zip(new[node], noises, strict=True))

    def rounded(self, node: fx.Node, rounding: Rounding, values: Mapping[fx.Node, Any]) -> Tensor:
        """The result of a node with one rounding."""
        if rounding.weights:
            weight = self.simulation.rounded_weights((rounding.weights,))[rounding.weights]
            made: Tensor = self.simulation.runner.call(node, values, weight)
            return made
        self.use(frozenset({rounding.split} if rounding.split else ()))
        return self.simulation.stored(node, values, frozenset(self.simulation.layers))

    def left_of(self, move: Move) -> Move | None:
        """The part of a move that would still change something; None if nothing would, or if it contradicts earlier
        moves.
        """
        if move.split:
            parts = [move.split, *(str(node.target) for node in self.splits[move.split])]
            return None if move.split in self.split or self.in_float & set(parts) else move
        layers = move.layers - self.in_float
        touched = {name for split in self.split for name in (split, *(str(n.target) for n in self.splits[split]))}
        if not layers or layers & touched:
            return None
        return Move(layers, "", sum(self.simulation.macs.get(name, 0) for name in layers) / self.total)

    def candidates(self) -> Iterator[Move]:
        """Every tensor, every layer with weights, and every second scale."""
        seen = set()
        for layers in (*self.tensors(), *self.layers()):
            if layers not in seen and layers:
                seen.add(layers)
                yield Move(layers, "", 0.0)
        for name in self.splits:
            yield Move(frozenset(), name, 0.0)

    def tensors(self) -> Iterator[frozenset[str]]:
        """For every tensor that is stored, the layers that have to be in float for it to be."""
        simulation = self.simulation
        every = frozenset(simulation.layers)
        for node in simulation.ranges:
            if not simulation.is_quantized(node, every):
                continue
            names = [str(user.target) for user in node.users]
            if not names or not every.issuperset(names):
                continue  # the scores, or read by what only moves data
            found = {part for name in names for part in simulation.group(name)}
            if str(node.target) in every:
                found |= {str(node.target)}
                found |= {str(given.target) for given in node.all_input_nodes if simulation.is_group(given, node)}
            yield frozenset(found)

    def layers(self) -> Iterator[frozenset[str]]:
        """Every layer with weights, with the activation behind it."""
        for layer in weighted_layers(self.simulation.layers.values()):
            yield frozenset(self.simulation.group(layer.name))
