"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, table 2): inverted residuals with linear bottlenecks.

Parameter names are torchvision's. The first block (t = 1) has no expansion, and the last 1x1 convolution
never shrinks below 1280 channels, as in the paper's released models.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, init_weights, make_divisible

# t = expansion, c = output channels, n = repeats, s = stride of the first repeat; output at 224 x 224 input.
TABLE = [
    # t, c, n, s
    (1, 16, 1, 1),  # 112 x 112 x 16
    (6, 24, 2, 2),  # 56 x 56 x 24
    (6, 32, 3, 2),  # 28 x 28 x 32
    (6, 64, 4, 2),  # 14 x 14 x 64
    (6, 96, 3, 1),  # 14 x 14 x 96
    (6, 160, 3, 2),  # 7 x 7 x 160
    (6, 320, 1, 1),  # 7 x 7 x 320
]
STEM, LAST = 32, 1280


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; identity added at stride 1 with equal channels."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, expansion: int, *, tf_padding: bool, bn_eps: float
    ) -> None:
        super().__init__()
        layer = partial(ConvBNAct, activation=nn.ReLU6, bn_eps=bn_eps)
        hidden = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(layer(in_channels, hidden, 1))
        layers += [
            layer(hidden, hidden, 3, stride, groups=hidden, tf_padding=tf_padding),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels, eps=bn_eps),
        ]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class MobileNetV2(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        width: multiplier of every channel count but the last 1280 (which only grows).
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
        tf_padding: pad as TF does at stride 2; H and W must then be multiples of 32.
        bn_eps: BN epsilon; 1e-3 goes with TF's weights.
    """

    def __init__(
        self,
        width: float = 1.0,
        num_classes: int = 1000,
        dropout: float = 0.2,
        *,
        tf_padding: bool = False,
        bn_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        layer = partial(ConvBNAct, activation=nn.ReLU6, bn_eps=bn_eps)
        block = partial(InvertedResidual, tf_padding=tf_padding, bn_eps=bn_eps)
        channels = make_divisible(STEM * width)
        last = make_divisible(LAST * max(1.0, width))
        layers: list[nn.Module] = [layer(3, channels, 3, 2, tf_padding=tf_padding)]
        for expansion, base, repeats, stride in TABLE:
            out = make_divisible(base * width)
            for index in range(repeats):
                layers.append(block(channels, out, stride if index == 0 else 1, expansion))
                channels = out
        layers.append(layer(channels, last, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        scores: Tensor = self.classifier(torch.flatten(x, 1))
        return scores


def mobilenet_v2(
    width: float = 1.0, num_classes: int = 1000, *, tf_padding: bool = False, bn_eps: float = 1e-5
) -> nn.Module:
    """MobileNetV2 at the given width, freshly initialised."""
    return MobileNetV2(width, num_classes, tf_padding=tf_padding, bn_eps=bn_eps)
