"""Put pixel scaling and mean/std normalisation in front of the network, so that it takes pixels 0..255.

One 1x1 depthwise convolution, ``y_c = x_c / (255 std_c) - mean_c / std_c``: exact up to rounding at the borders too
(folding it into a zero-padded first convolution would not be), and one rounding per channel when quantized.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..types import Preprocessing


class PixelInput(nn.Module):
    """``(N, 3, H, W)`` pixels 0..255, float32 or (``cast=True``) uint8, to the network's output."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, cast: bool) -> None:
        super().__init__()
        mean = torch.tensor(preprocessing.mean, dtype=torch.float64)
        std = torch.tensor(preprocessing.std, dtype=torch.float64)
        channels = len(preprocessing.mean)
        self.normalise = nn.Conv2d(channels, channels, 1, groups=channels)
        assert self.normalise.bias is not None
        with torch.no_grad():
            self.normalise.weight.copy_((1 / (255 * std)).reshape(-1, 1, 1, 1))
            self.normalise.bias.copy_(-mean / std)
        self.network = network
        self.cast = cast
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels to class scores."""
        scores: Tensor = self.network(self.normalise(pixels.float() if self.cast else pixels))
        return scores


def bake_preprocess(network: nn.Module, preprocessing: Preprocessing, cast: bool) -> PixelInput:
    """``network`` behind its own preprocessing; ``cast`` makes the input uint8."""
    return PixelInput(network, preprocessing, cast)
