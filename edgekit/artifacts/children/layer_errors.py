"""The child of ``edgekit export --layer-errors``: the network and the artifact side by side, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ...base.images.pixels import from_output, normalise, to_input
from ...convert.int8.float_layers import follower, layers_in
from ...convert.int8.simulation import Runner, Simulation, evenly, scheme_of
from ...types import Layer, LayerError, LayerErrors
from ...verify.layer_match import Noise, match, shaped
from ...verify.taps import Owners, tap
from ..requests import LayersRequest, Made
from .network import rewritten_network

MOST_IMAGES = 16
OWN_IMAGES = 4
"""Number of images for the test of each layer, which runs the network once over them."""


def measure(request: LayersRequest) -> LayerErrors:
    """Errors of every layer."""
    card, profile, made = request.network.card, request.profile, request.made
    network, layers, _ = rewritten_network(request.network, profile)
    pixels = np.load(request.pixels)
    chosen = np.linspace(0, len(pixels) - 1, min(len(pixels), MOST_IMAGES)).astype(int)
    images = torch.from_numpy(normalise(pixels[chosen], card.preprocessing))
    spec, out = made.inputs[0], made.outputs[0]
    inputs = to_input(pixels[chosen], spec)

    assert profile.quantization is not None
    scheme = scheme_of(profile.quantization, made.target, profile.format)
    calibration = torch.from_numpy(normalise(np.load(request.calibration), card.preprocessing))
    simulation = Simulation(network, layers, evenly(calibration, OWN_IMAGES), scheme)
    fused = {layer.name: name for layer in layers if (name := simulation.follower(layer.name)) is not None}

    tapped = tap(profile.format, request.model_file, owners_of(made, layers), exact_int8=request.exact_int8)
    plain = from_output(np.load(request.plain)[chosen], out)
    inside = activations(layers)
    found: dict[str, int] = {}
    seen = {layer.name: Noise() for layer in layers}
    scores, tapped_scores = Noise(), Noise()
    for image, given, before in zip(images, inputs, plain, strict=True):
        reference = results(network, image[None])
        values, stored = tapped.run(given[None])
        if not found:
            found = match(tapped.taps, values, reference, inside)
        for name, index in found.items():
            fitted = shaped(values[index], reference[name])
            assert fitted is not None
            seen[name].add(reference[name], fitted)
        tapped_scores.add(reference[""], from_output(stored, out))
        scores.add(reference[""], before[None])
    own = own_errors(simulation, fused)
    in_float = set(made.float_names)
    return LayerErrors(
        model=card.id,
        profile=profile.name,
        images=len(images),
        own_images=len(simulation.inputs),
        scores_db=scores.db,
        tapped_scores_db=tapped_scores.db,
        layers=tuple(
            LayerError(
                name=layer.name,
                path=layer.path,
                kinds=layer.kinds,
                feeds=layer.feeds,
                macs=simulation.macs.get(layer.name, 0),
                in_float=layer.name in in_float,
                dtype=tapped.taps[found[layer.name]].dtype if layer.name in found else None,
                sqnr_db=seen[layer.name].db if layer.name in found else None,
                own_db=own.get(layer.name),
                tensor=tapped.taps[found[layer.name]].name if layer.name in found else None,
                note="" if layer.name in found else elsewhere(layer, {each.name: each for each in layers}, found),
            )
            for layer in layers
        ),
    )


def owners_of(made: Made, layers: tuple[Layer, ...]) -> Owners:
    """The layers that a name in the file stands for: ONNX files keep no scopes, so the export has noted them."""
    names = {layer.name for layer in layers}
    if made.owners:
        return lambda name: set(made.owners.get(name, ()))
    return lambda name: layers_in(name, names)


def results(network: fx.GraphModule, image: Tensor) -> dict[str, np.ndarray[Any, Any]]:
    """The output of every layer for an image, by its name; the scores have the empty name."""
    runner = Runner(network)
    (scores,) = network.graph.output_node().all_input_nodes
    made: dict[str, np.ndarray[Any, Any]] = {}
    with torch.no_grad():
        for node, values in runner.walk(image):
            if node.op == "call_module" and isinstance(values[node], Tensor):
                made[str(node.target)] = values[node].clone().numpy()  # a later operator may work in place
    made[""] = values[scores].numpy()
    return made


def own_errors(simulation: Simulation, fused: dict[str, str]) -> dict[str, float]:
    """SQNR of the scores when one layer alone is quantized, dB; a fused activation counts with its layer."""
    signal = float(simulation.scores.double().square().sum())
    alone = [name for name in simulation.layers if name not in fused.values()]
    return {name: Noise(signal, simulation.noise(simulation.group(name))).db for name in alone}


def activations(layers: tuple[Layer, ...]) -> dict[str, str]:
    """For a layer that an activation alone reads, the activation: TFLite computes it inside additions too."""
    by_name = {layer.name: layer for layer in layers}
    return {layer.name: name for layer in layers for name in follower(layer, by_name)}


def elsewhere(layer: Layer, layers: dict[str, Layer], found: dict[str, int]) -> str:
    """The tensor in which the error of a layer without its own tensor shows."""
    reader = layer
    while len(reader.feeds) == 1:
        reader = layers[reader.feeds[0]]
        if reader.name in found:
            return f"fused: see {reader.path}"
    return "the file has no tensor that can be told to be its result"
