"""From a card to a network with weights: the file that was named, or seeded random ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..base.pixels import load_pixels, normalise
from ..types import ModelCard, WeightsProvenance

if TYPE_CHECKING:
    from torch import Tensor, nn


def build_network(card: ModelCard, weights: str | Path | None = None, num_classes: int | None = None) -> nn.Module:
    """See :func:`edgekit.build`."""
    return build_with_provenance(card, weights, num_classes)[0]


def build_with_provenance(
    card: ModelCard, weights: str | Path | None = None, num_classes: int | None = None
) -> tuple[nn.Module, WeightsProvenance]:
    """The network in eval mode, and where its weights came from.

    Random weights get BN statistics from the bundled photos, whatever is used for calibration later, so that the
    same card always means the same network.
    """
    import torch

    from .registry import network_with_weights

    checkpoint = None if weights is None else Path(weights)

    def images() -> Tensor:
        pixels, _ = load_pixels(None, card.preprocessing)
        return torch.from_numpy(normalise(pixels, card.preprocessing))

    return network_with_weights(card, checkpoint, images, num_classes)
