"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360, table 1; 1.1 from the authors' repository).

Parameter names are torchvision's. conv10 has padding 0 and the pools round up (``ceil_mode``), as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Rows: "pool" = 3x3 max pool, stride 2, ceil mode; (squeeze, expand) = a Fire module with `expand` 1x1 and `expand` 3x3
# outputs. The comment is the output size at a 224 x 224 input.
LAYERS: dict[str, tuple[tuple[int, int, int], list[str | tuple[int, int]]]] = {
    "1.0": (
        (96, 7, 2),  # 109 x 109 x 96
        [
            "pool",  # 54 x 54
            (16, 64),  # 54 x 54 x 128
            (16, 64),
            (32, 128),  # 54 x 54 x 256
            "pool",  # 27 x 27
            (32, 128),
            (48, 192),  # 27 x 27 x 384
            (48, 192),
            (64, 256),  # 27 x 27 x 512
            "pool",  # 13 x 13
            (64, 256),  # 13 x 13 x 512
        ],
    ),
    "1.1": (
        (64, 3, 2),  # 111 x 111 x 64
        [
            "pool",  # 55 x 55
            (16, 64),  # 55 x 55 x 128
            (16, 64),
            "pool",  # 27 x 27
            (32, 128),  # 27 x 27 x 256
            (32, 128),
            "pool",  # 13 x 13
            (48, 192),  # 13 x 13 x 384
            (48, 192),
            (64, 256),  # 13 x 13 x 512
            (64, 256),
        ],
    ),
}


class Fire(nn.Module):
    """1x1 squeeze to ``squeeze`` channels, then 1x1 and 3x3 expansions of ``expand`` channels each, concatenated."""

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, 2 * expand, H, W)``."""
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1
        )


class SqueezeNet(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        version: ``"1.0"`` or ``"1.1"``.
        num_classes: size of the output.
        dropout: probability before the last convolution, in training only.
    """

    def __init__(self, version: str, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        (stem, kernel, stride), rows = LAYERS[version]
        layers: list[nn.Module] = [nn.Conv2d(3, stem, kernel, stride), nn.ReLU()]
        channels = stem
        for row in rows:
            if isinstance(row, str):
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            else:
                layers.append(Fire(channels, *row))
                channels = 2 * row[1]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Conv2d(channels, num_classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        last = self.classifier[1]
        assert isinstance(last, nn.Conv2d)
        nn.init.normal_(last.weight, 0.0, 0.01)
        # A ReLU follows: a class whose scores begin below zero on all images never learns. Softmax does not see it.
        assert last.bias is not None
        nn.init.ones_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        return torch.flatten(self.classifier(self.features(x)), 1)


def squeezenet(version: str, num_classes: int = 1000) -> nn.Module:
    """SqueezeNet of the given version, freshly initialised."""
    return SqueezeNet(version, num_classes)
