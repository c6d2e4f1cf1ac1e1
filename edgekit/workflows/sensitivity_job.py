"""The child of ``edgekit export --selective-float``: what each layer of an int8 network would gain in float."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..export.simulation import Simulation, evenly, scheme_of, weighted_layers
from ..pixels import normalise
from ..types import ExportProfile, ModelCard
from .convert import rewritten_network

IMAGES = 4
"""Every layer is a run of the network over these."""


def gains(request: dict[str, Any]) -> dict[str, Any]:
    """Simulate the int8 network with one more layer in float each time.

    Request: ``card``, ``profile``, ``target``, ``num_classes``, ``state`` (path), ``layout`` (of the weights),
    ``calibration`` (.npy), ``in_float`` (names of the layers that are in float already).

    Returns:
        ``macs`` of the network, and ``layers``: for each of torch's convolutions and linear layers that is in int8 its
        ``path``, ``macs`` and ``gain``, the share of the noise power of the scores that goes when it stays in float.
    """
    card, profile = ModelCard.from_plain(request["card"]), ExportProfile.from_plain(request["profile"])
    network, layers, _ = rewritten_network(request, card, profile)
    assert profile.quantization is not None
    scheme = scheme_of(profile.quantization, request["target"], profile.format)
    images = torch.from_numpy(normalise(np.load(request["calibration"]), card.preprocessing))
    simulation = Simulation(network, layers, evenly(images, IMAGES), scheme)
    quantized = frozenset(simulation.layers) - frozenset(request["in_float"])
    noise = max(simulation.noise(quantized), 1e-30)
    return {
        "macs": sum(simulation.macs.values()),
        "layers": [
            {
                "path": layer.path,
                "macs": simulation.macs[layer.name],
                "gain": 1 - simulation.noise(quantized - set(simulation.group(layer.name))) / noise,
            }
            for layer in weighted_layers(layers)
            if layer.name in quantized and layer.name in simulation.macs
        ],
    }
