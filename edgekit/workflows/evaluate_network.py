"""The step of an evaluation that needs PyTorch, run in a child process."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..pixels import normalise
from ..types import ModelCard
from .build import build_with_provenance
from .evaluation_data import from_request, spans

BATCH = 16


def scores(request: dict[str, Any]) -> dict[str, Any]:
    """Float32 scores of every image, in order, to ``outputs`` (.npy).

    Request: ``card``, ``weights`` (path or None), ``num_classes``, ``images``, ``outputs``.
    """
    card = ModelCard.from_plain(request["card"])
    network, provenance = build_with_provenance(card, request["weights"], request["num_classes"])
    images = from_request(request["images"])
    parts = []
    with torch.no_grad():
        for start, stop in spans(len(images), BATCH):
            pixels = images.take(start, stop, card.preprocessing)
            parts.append(network(torch.from_numpy(normalise(pixels, card.preprocessing))).numpy())
    np.save(request["outputs"], np.concatenate(parts))
    kind = f"random weights, seed {provenance.seed}" if provenance.kind == "random" else provenance.source
    return {"weights": kind, "sha256": provenance.sha256}
