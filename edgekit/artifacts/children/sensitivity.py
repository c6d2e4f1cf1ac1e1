"""The child of ``edgekit export --selective-float``: what each layer of an int8 network would gain in float."""

from __future__ import annotations

import numpy as np
import torch

from ...base.images.pixels import normalise
from ...convert.int8.simulation import Simulation, evenly, scheme_of, weighted_layers
from ..requests import Gain, Gains, GainsRequest
from .network import rewritten_network

IMAGES = 4
"""Every layer is a run of the network over these."""


def gains(request: GainsRequest) -> Gains:
    """Simulate the int8 network with one more layer in float each time.

    Returns:
        Each of torch's convolutions and linear layers that is in int8.
    """
    card, profile = request.network.card, request.profile
    network, layers, _ = rewritten_network(request.network, profile)
    assert profile.quantization is not None
    scheme = scheme_of(profile.quantization, request.target, profile.format)
    images = torch.from_numpy(normalise(np.load(request.calibration), card.preprocessing))
    simulation = Simulation(network, layers, evenly(images, IMAGES), scheme)
    quantized = frozenset(simulation.layers) - frozenset(request.in_float)
    noise = max(simulation.noise(quantized), 1e-30)
    return Gains(
        macs=sum(simulation.macs.values()),
        layers=tuple(
            Gain(
                path=layer.path,
                macs=simulation.macs[layer.name],
                gain=1 - simulation.noise(quantized - set(simulation.group(layer.name))) / noise,
            )
            for layer in weighted_layers(layers)
            if layer.name in quantized and layer.name in simulation.macs
        ),
    )
