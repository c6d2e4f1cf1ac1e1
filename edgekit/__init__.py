"""edgekit: lightweight networks to verified, measured artifacts for small devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import EdgekitError

if TYPE_CHECKING:
    from torch import nn

__version__ = "0.1.0"
__all__ = ["EdgekitError", "__version__", "build"]


def build(
    model: str,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    *,
    ema: bool = False,
    tf_padding: bool | None = None,
) -> nn.Module:
    """The network of a model id or alias, in eval mode, input ``(N, C, H, W)`` float32.

    Args:
        model: for example ``"mobilenet_v2_1.0"`` or ``"mobilenet_v3"``.
        weights: a ``.pth`` or ``.safetensors`` checkpoint, or None for seeded random weights.
        num_classes: size of the output; the checkpoint's when None, or the card's for random weights.
        ema: of a file with both, take the moving average of the weights.
        tf_padding: the weights were trained with TensorFlow's padding; None for what the file and its path tell.

    Raises:
        UsageError: unknown model, or a checkpoint that is missing, unsafe or of another network.
    """
    from .catalog import find_card
    from .types import CheckpointReading
    from .zoo.build import build_network

    return build_network(find_card(model), weights, num_classes, CheckpointReading(ema=ema, tf_padding=tf_padding))
