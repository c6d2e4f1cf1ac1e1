"""What each form would change in a network: found out in a child process, without a conversion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ..errors import UsageError
from ..export.float_layers import float_layers
from ..passes.name_layers import name_layers
from ..passes.pipeline import apply_rewrites
from ..types import Layer, ModelCard
from ..zoo.layouts import adopt
from ..zoo.registry import create


def effects(request: dict[str, Any]) -> dict[str, Any]:
    """Apply the rewrites of every form to a network of its own.

    Request: ``card``, ``num_classes``, ``state`` (path), ``layout`` (of the weights), ``forms`` (name to ``rewrites``
    and ``keep_float``).

    Returns:
        ``rewrites`` (form to its list of name, count and note), ``kept`` (form to the paths of the layers that stay in
        float) and ``failed`` (form to what its passes raised).
    """
    card = ModelCard.from_plain(request["card"])
    state = torch.load(request["state"], weights_only=True)
    rewrites, kept, failed = {}, {}, {}
    for name, form in request["forms"].items():
        network = create(card, request["num_classes"])
        network.load_state_dict(state)
        adopt(network, request["layout"])
        try:
            rewritten, done = apply_rewrites(network, form["rewrites"], torch.zeros(1, *card.input_shape))
        except Exception as error:  # noqa: BLE001 - whatever a pass raises costs its form and no other
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            rewrites[name] = [rewrite.to_plain() for rewrite in done]
            kept[name] = chosen(name_layers(rewritten), form["keep_float"])
    return {"rewrites": rewrites, "kept": kept, "failed": failed}


def chosen(layers: Iterable[Layer], patterns: Sequence[str]) -> list[str]:
    """Paths of the layers that the patterns choose; one that chooses nothing here is for other networks."""
    every = tuple(layers)
    matching = []
    for pattern in patterns:
        try:
            float_layers(every, [pattern])
        except UsageError:
            continue
        matching.append(pattern)
    return [layer.path for layer in float_layers(every, matching)]
