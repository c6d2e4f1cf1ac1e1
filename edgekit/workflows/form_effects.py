"""What the rewrites of each form would change in a network: found out in a child process, without a conversion."""

from __future__ import annotations

from typing import Any

import torch

from ..passes.pipeline import apply_rewrites
from ..types import ModelCard
from ..zoo.layouts import adopt
from ..zoo.registry import create


def effects(request: dict[str, Any]) -> dict[str, Any]:
    """Apply the rewrites of every form to a network of its own.

    Request: ``card``, ``num_classes``, ``state`` (path), ``layout`` (of the weights), ``forms`` (name to rewrites).

    Returns:
        ``rewrites`` (form to its list of name, count and note) and ``failed`` (form to what its passes raised).
    """
    card = ModelCard.from_plain(request["card"])
    state = torch.load(request["state"], weights_only=True)
    rewrites, failed = {}, {}
    for name, passes in request["forms"].items():
        network = create(card, request["num_classes"])
        network.load_state_dict(state)
        adopt(network, request["layout"])
        try:
            done = apply_rewrites(network, passes, torch.zeros(1, *card.input_shape))[1]
        except Exception as error:  # noqa: BLE001 - whatever a pass raises costs its form and no other
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            rewrites[name] = [rewrite.to_plain() for rewrite in done]
    return {"rewrites": rewrites, "failed": failed}
