"""What each form would change in a network; a child process finds out, without a conversion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from ...convert.int8.float_layers import float_layers
from ...errors import UsageError
from ...passes.name_layers import name_layers
from ...passes.pipeline import apply_rewrites
from ...types import Layer
from ..requests import Effects, EffectsRequest
from .network import built_again


def effects(request: EffectsRequest) -> Effects:
    """Apply the rewrites of every form to a network of its own."""
    rewrites, kept, failed = {}, {}, {}
    sample = torch.zeros(1, *request.network.card.input_shape)
    for name, form in request.forms.items():
        network = built_again(request.network)
        try:
            rewritten, done = apply_rewrites(network, form.rewrites, sample)
        except Exception as error:  # noqa: BLE001 - whatever a pass raises costs its form and no other
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            rewrites[name] = done
            kept[name] = chosen(name_layers(rewritten), form.keep_float)
    return Effects(rewrites=rewrites, kept=kept, failed=failed)


def chosen(layers: Iterable[Layer], patterns: Sequence[str]) -> tuple[str, ...]:
    """Paths of the layers that the patterns choose; a pattern that chooses none is for other networks."""
    every = tuple(layers)
    matching = []
    for pattern in patterns:
        try:
            float_layers(every, [pattern])
        except UsageError:
            continue
        matching.append(pattern)
    return tuple(layer.path for layer in float_layers(every, matching))
