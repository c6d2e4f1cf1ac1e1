"""Batch normalisation that has forgotten its start when it is first tested.

Networks bring the momentum of the training that they were published with. MnasNet's is 0.0003, for 300,000 steps: after
the 1,400 of a short one its running mean and variance are still mostly the 0 and 1 that they began with, and the
network, trained well, guesses when it is evaluated.
"""

from __future__ import annotations

from torch import nn

START = 0.01
"""Share that the start may have in running statistics after one epoch."""


def keep_pace(network: nn.Module, steps: int) -> int:
    """Raise in place the momentum of batch normalisations that are too slow for epochs of ``steps``.

    After ``n`` steps of momentum ``m`` the start has a share of ``(1 - m) ** n``.

    Returns:
        How many were raised.
    """
    least = 1 - START ** (1 / steps)
    slow = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm2d) and layer.momentum is not None and layer.momentum < least
    ]
    for layer in slow:
        layer.momentum = least
    return len(slow)
