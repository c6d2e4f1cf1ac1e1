"""The child that searches for layers to keep in float and tensors to split, builds the network so split, and tells how
sure ranges are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import fx, nn

from ...base.images.pixels import normalise
from ...convert.int8.clipping import clipping_db
from ...convert.int8.float_layers import float_layers
from ...convert.int8.placement import Search
from ...convert.int8.range_choice import sqnr_db
from ...convert.int8.simulation import ChannelRanges, Runner, Scheme, Simulation, evenly, scheme_of
from ...convert.int8.two_scales import channel_ranges, own_scales, shared, two_sets
from ...convert.int8.weight_range import is_depthwise
from ...errors import UsageError, did_you_mean
from ...passes.name_layers import module_path, name_layers
from ...passes.split_expansion import Expansion, expansions, split_expansion
from ...types import Layer
from ..requests import Clipping, ClippingRequest, PlacedMove, Placement, PlacementRequest

RANGE_IMAGES, IMAGES = 64, 6
"""Calibration images that give the ranges, and those that every candidate is a run of the network over."""
OVERRATED_DB = 10.0
"""A simulation is off by some decibels; it is off by this many only if the ranges do not hold."""
CLIPPING_PIXELS = 64 * 224 * 224
"""With more images than this, clipping is not simulated: it would take over a minute."""


def path_of(node: fx.Node) -> str:
    """The path of the layer that a node of a network without names calls."""
    return module_path(node.meta.get("nn_module_stack") or {}) or str(node.target)


def two_scales(network: fx.GraphModule, paths: tuple[str, ...], inputs: torch.Tensor) -> int:
    """Split the expansions of these depthwise convolutions in place, by their ranges over the inputs; returns how many.

    Raises:
        UsageError: there is no such depthwise convolution, or it cannot be split.
    """
    found = {path_of(expansion.depthwise): expansion for expansion in expansions(network).values()}
    for path in paths:
        if path not in found:
            raise UsageError(
                f"two_scales: {path!r} is not a depthwise convolution that can be split", did_you_mean(path, found)
            )
    chosen = [found[path] for path in paths]
    ranges = channel_ranges(Runner(network), evenly(inputs, RANGE_IMAGES), {given(one) for one in chosen})
    for expansion in chosen:
        sets = two_sets(ranges[given(expansion)])
        if sets is None:
            raise UsageError(f"two_scales: {path_of(expansion.depthwise)!r} has too few channels", "leave it out")
        split_expansion(network, expansion, sets)
    return len(chosen)


def given(expansion: Expansion) -> fx.Node:
    """What the depthwise convolution of an expansion reads."""
    return (expansion.conv, *expansion.between)[-1]


def place(request: PlacementRequest, network: fx.GraphModule) -> Placement:
    """Search in simulation.

    Args:
        request: what is asked.
        network: rewritten, without names; it is named here.
    """
    card, profile = request.network.card, request.profile
    settings = profile.quantization
    assert settings is not None
    inputs = torch.from_numpy(normalise(np.load(request.calibration), card.preprocessing))
    found = [] if profile.format == "openvino" else list(expansions(network).values())
    layers = name_layers(network)
    paths = {layer.name: layer.path for layer in layers}
    in_float = frozenset(layer.name for layer in float_layers(layers, settings.keep_float))
    scheme = scheme_of(settings, request.target, profile.format)
    runner = Runner(network)
    split_nodes = {node for one in found for node in (one.conv, *one.between)}
    per_channel = depthwise_inputs(runner) if profile.format == "openvino" else set()

    def simulated(images: torch.Tensor) -> tuple[Simulation, dict[fx.Node, ChannelRanges]]:
        made = Simulation(network, layers, images, scheme)
        known = channel_ranges(runner, images, split_nodes | per_channel)
        made.channels = {node: own_scales(known[node]) for node in per_channel}
        return made, known

    simulation, ranges = simulated(evenly(inputs, RANGE_IMAGES))
    judged = evenly(inputs, IMAGES)
    if overrates(simulation, judged, in_float, request.measured_db):
        simulation, ranges = simulated(evenly(inputs[::2], RANGE_IMAGES))
        judged = hardest(simulation, evenly(inputs[1::2], RANGE_IMAGES), in_float)
    simulation.look_at(judged)
    splits: dict[str, dict[fx.Node, ChannelRanges]] = {}
    for one in found:
        sets = two_sets(ranges[given(one)])
        if sets is not None:
            splits[str(one.depthwise.target)] = {node: shared(ranges[node], sets) for node in (one.conv, *one.between)}
    search = Search(simulation, in_float, splits, request.most_float)
    before = search.sqnr_db
    # What the simulation promises too much, it promises at every point of the path.
    budget_db = request.budget_db + max(before - request.measured_db, 0.0)
    moves = tuple(
        PlacedMove(
            float_layers=tuple(paths[name] for name in paths if name in move.layers),
            two_scales=paths[move.split] if move.split else "",
            weighted=sum(name in simulation.macs for name in move.layers),
            share=move.share,
            sqnr_db=move.sqnr_db,
        )
        for move in search.moves(budget_db)
    )
    return Placement(sqnr_db=before, moves=moves, clipping=clipping_of(network, layers, inputs, scheme))


def clipping(request: ClippingRequest, network: fx.GraphModule) -> Clipping:
    """How sure the ranges of an int8 network are; it is rewritten, without names, and named here."""
    settings = request.profile.quantization
    assert settings is not None
    inputs = torch.from_numpy(normalise(np.load(request.calibration), request.network.card.preprocessing))
    layers = name_layers(network)
    return clipping_of(network, layers, inputs, scheme_of(settings, request.target, request.profile.format))


def clipping_of(network: fx.GraphModule, layers: tuple[Layer, ...], inputs: torch.Tensor, scheme: Scheme) -> Clipping:
    """What the ranges clip; not of a part of the images, which would not show it."""
    told = inputs[:, 0].numel() <= CLIPPING_PIXELS
    lost = clipping_db(network, layers, inputs, scheme) if told else None
    return Clipping(images=len(inputs), lost_db=lost)


def overrates(simulation: Simulation, images: torch.Tensor, in_float: frozenset[str], measured_db: float) -> bool:
    """True when the simulation, on images that the ranges know, is far above the artifact on other images."""
    simulation.look_at(images)
    noise = simulation.noise(frozenset(simulation.layers) - in_float)
    return sqnr_db(simulation.scores, noise) > measured_db + OVERRATED_DB


def hardest(simulation: Simulation, images: torch.Tensor, in_float: frozenset[str]) -> torch.Tensor:
    """The images that lose the most in int8, with the simulation's ranges."""
    simulation.look_at(images)
    error = simulation.scores_with(frozenset(simulation.layers) - in_float).double() - simulation.scores.double()
    share = error.square().sum(1) / simulation.scores.double().square().sum(1).clamp(min=1e-12)
    return images[share.topk(min(IMAGES, len(images))).indices]


def depthwise_inputs(runner: Runner) -> set[fx.Node]:
    """What depthwise convolutions read: NNCF gives every channel of it a scale."""
    return {
        node.all_input_nodes[0]
        for node in runner.graph.nodes
        if isinstance(layer := runner.layer(node), nn.Conv2d) and is_depthwise(layer)
    }
