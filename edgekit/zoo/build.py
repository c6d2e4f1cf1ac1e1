"""From a card to a network with weights: the file that was named, or seeded random ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..base.images.pixels import load_pixels, normalise
from ..types import CheckpointReading, ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .registry import Built


def build_network(
    card: ModelCard,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    reading: CheckpointReading | None = None,
) -> nn.Module:
    """See :func:`edgekit.build`."""
    return build_with_provenance(card, weights, num_classes, reading).network


def build_with_provenance(
    card: ModelCard,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    reading: CheckpointReading | None = None,
) -> Built:
    """The network in eval mode, its card as the weights have it, and where they came from.

    Random weights get BN statistics from the bundled photos, whatever is used for calibration later, so that the
    same card always means the same network.
    """
    import torch

    from .registry import AS_IT_IS, network_with_weights

    checkpoint = None if weights is None else Path(weights)

    def images() -> Tensor:
        pixels, _ = load_pixels(None, card.preprocessing)
        return torch.from_numpy(normalise(pixels, card.preprocessing))

    return network_with_weights(card, checkpoint, images, num_classes, reading=reading or AS_IT_IS)
