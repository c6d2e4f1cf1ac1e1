"""MnasNet B1, A1 and small (Tan et al. 2019, arXiv:1807.11626, figure 7; B1 and small from the authors' code).

Parameter names are torchvision's (which has B1 only). The squeeze-and-excitation of A1 and small is a quarter of the
block's *input* channels, with a plain sigmoid gate, unlike MobileNetV3's. The last 1x1 convolution has 1280 channels
at every width; the stem and the first separable convolution are scaled (torchvision's checkpoint version 2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import SqueezeExcite, init_weights, make_divisible

# t = expansion, k = kernel, c = output channels, n = repeats, s = stride of the first repeat, se = squeeze-and-
# excitation. The comment is the output size at a 224 x 224 input; the stem gives 112 x 112.
Row = tuple[int, int, int, int, int, bool]
TABLES: dict[str, tuple[int, int, list[Row]]] = {
    # stem channels, channels of the first separable convolution, stacks
    "b1": (
        32,
        16,  # 112 x 112 x 16
        [
            # t, k, c, n, s, se
            (3, 3, 24, 3, 2, False),  # 56 x 56 x 24
            (3, 5, 40, 3, 2, False),  # 28 x 28 x 40
            (6, 5, 80, 3, 2, False),  # 14 x 14 x 80
            (6, 3, 96, 2, 1, False),  # 14 x 14 x 96
            (6, 5, 192, 4, 2, False),  # 7 x 7 x 192
            (6, 3, 320, 1, 1, False),  # 7 x 7 x 320
        ],
    ),
    "a1": (
        32,
        16,  # 112 x 112 x 16
        [
            (6, 3, 24, 2, 2, False),  # 56 x 56 x 24
            (3, 5, 40, 3, 2, True),  # 28 x 28 x 40
            (6, 3, 80, 4, 2, False),  # 14 x 14 x 80
            (6, 3, 112, 2, 1, True),  # 14 x 14 x 112
            (6, 5, 160, 3, 2, True),  # 7 x 7 x 160
            (6, 3, 320, 1, 1, False),  # 7 x 7 x 320
        ],
    ),
    "small": (
        8,
        8,  # 112 x 112 x 8
        [
            (3, 3, 16, 1, 2, False),  # 56 x 56 x 16
            (6, 3, 16, 2, 2, False),  # 28 x 28 x 16
            (6, 5, 32, 4, 2, True),  # 14 x 14 x 32
            (6, 3, 32, 3, 1, True),  # 14 x 14 x 32
            (6, 5, 88, 3, 2, True),  # 7 x 7 x 88
            (6, 3, 144, 1, 1, False),  # 7 x 7 x 144
        ],
    ),
}
LAST = 1280
BN_MOMENTUM = 0.0003  # torchvision: 1 minus TF's decay of 0.9997


def conv_bn(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution without bias and its BN, as two layers of the caller's sequence (torchvision's flat numbering)."""
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, momentum=BN_MOMENTUM),
    ]


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise, optional SE, linear 1x1 projection; identity at stride 1 with equal channels."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int, *, use_se: bool
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        layers = [*conv_bn(in_channels, hidden, 1), nn.ReLU()]
        layers += [*conv_bn(hidden, hidden, kernel, stride, groups=hidden), nn.ReLU()]
        if use_se:
            layers.append(SqueezeExcite(hidden, in_channels // 4, gate=nn.Sigmoid))
        layers += conv_bn(hidden, out_channels, 1)
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class MnasNet(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        version: ``"b1"``, ``"a1"`` or ``"small"``.
        width: multiplier of every channel count but the last 1280.
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
    """

    def __init__(self, version: str, width: float = 1.0, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        base_stem, base_first, rows = TABLES[version]
        stem, channels = make_divisible(base_stem * width), make_divisible(base_first * width)
        layers: list[nn.Module] = [*conv_bn(3, stem, 3, 2), nn.ReLU()]
        layers += [*conv_bn(stem, stem, 3, groups=stem), nn.ReLU(), *conv_bn(stem, channels, 1)]
        # The separable convolution of "small" has an identity around it, as in the authors' code: layers 3 to 7.
        self.identity = (2, len(layers) - 1) if version == "small" else None
        for expansion, kernel, base, repeats, stride, use_se in rows:
            out = make_divisible(base * width)
            stack = []
            for index in range(repeats):
                stack.append(
                    InvertedResidual(channels, out, kernel, stride if index == 0 else 1, expansion, use_se=use_se)
                )
                channels = out
            layers.append(nn.Sequential(*stack))
        layers += [*conv_bn(channels, LAST, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(LAST, num_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        shortcut = x
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if self.identity and index == self.identity[0]:
                shortcut = x
            if self.identity and index == self.identity[1]:
                x = x + shortcut
        scores: Tensor = self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores


def mnasnet(version: str, width: float = 1.0, num_classes: int = 1000) -> nn.Module:
    """MnasNet of the given version and width, freshly initialised."""
    return MnasNet(version, width, num_classes)
