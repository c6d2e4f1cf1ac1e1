"""The step of an evaluation that needs PyTorch; it runs in a child process."""

from __future__ import annotations

import numpy as np
import torch

from ...base.images.pixels import normalise
from ...verify.evaluation_data import Images, spans
from ...zoo.build import build_with_provenance
from ...zoo.class_names import class_names
from ..requests import ScoredNetwork, ScoresRequest

BATCH = 16


def scores(request: ScoresRequest) -> ScoredNetwork:
    """Float32 scores of every image, in order, to the request's ``outputs``."""
    card = request.card
    built = build_with_provenance(card, request.weights, request.num_classes, request.reading)
    network, provenance = built.network, built.provenance
    array = None if request.array is None else np.load(request.array)
    images = Images(request.source, request.paths, array)
    parts = []
    with torch.no_grad():
        for start, stop in spans(len(images), BATCH):
            pixels = images.take(start, stop, card.preprocessing)
            parts.append(network(torch.from_numpy(normalise(pixels, card.preprocessing))).numpy())
    found = np.concatenate(parts)
    np.save(request.outputs, found)
    said = ", ".join(filter(None, (provenance.source, provenance.choice)))
    kind = f"random weights, seed {provenance.seed}" if provenance.kind == "random" else said
    names = class_names(card, request.weights, provenance.sha256, found.shape[1])
    return ScoredNetwork(weights=kind, sha256=provenance.sha256, classes=names)
