"""IGCV3: interleaved low-rank group convolutions (Sun et al. 2018, arXiv:1806.00178, section 3 and table 1).

MobileNetV2's inverted residual with grouped 1x1 convolutions: expansion (BN, no ReLU), shuffle, 3x3 depthwise (BN,
ReLU6), projection (BN). The paper's figure has a second shuffle after the projection; the released code leaves it out,
and so do the weights: ``second_shuffle`` is off. The first stage (t = 1) keeps its grouped expansion.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, init_weights
from .permutation import ChannelShuffle

# t = expansion, c = output channels, n = repeats, s = stride of the first repeat; output at 224 x 224 input (CIFAR: at
# 32 x 32, where the stem and the second stage have stride 1). The stem gives 112 x 112 x 32 (32 x 32 x 32).
TABLES = {
    "d": [  # deeper: MobileNetV2's widths
        # t, c, n, s
        (1, 16, 1, 1),  # 112 x 112 x 16 (32 x 32)
        (6, 24, 4, 2),  # 56 x 56 x 24 (32 x 32)
        (6, 32, 6, 2),  # 28 x 28 x 32 (16 x 16)
        (6, 64, 8, 2),  # 14 x 14 x 64 (8 x 8)
        (6, 96, 6, 1),  # 14 x 14 x 96 (8 x 8)
        (6, 160, 6, 2),  # 7 x 7 x 160 (4 x 4)
        (6, 320, 1, 1),  # 7 x 7 x 320 (4 x 4)
    ],
    "w": [  # wider: MobileNetV2's repeats
        (1, 32, 1, 1),  # 112 x 112 x 32
        (6, 48, 2, 2),  # 56 x 56 x 48
        (6, 64, 3, 2),  # 28 x 28 x 64
        (6, 128, 4, 2),  # 14 x 14 x 128
        (6, 192, 3, 1),  # 14 x 14 x 192
        (6, 320, 3, 2),  # 7 x 7 x 320
        (6, 640, 1, 1),  # 7 x 7 x 640
    ],
}
STEM, LAST = 32, 1280
CIFAR_UNIT_STRIDE_STAGE = 1  # index of the stage that does not halve on CIFAR


def scaled(base: int, width: float, multiple: int) -> int:
    """``base * width`` rounded down to an integer, then up to a multiple of the groups."""
    return -(-int(base * width) // multiple) * multiple


class IGCV3Block(nn.Module):
    """Grouped expansion, shuffle, depthwise, grouped projection; identity at stride 1 with equal channels."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expansion: int,
        groups: tuple[int, int],
        *,
        second_shuffle: bool,
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvBNAct(in_channels, hidden, 1, groups=groups[0], activation=None)
        self.shuffle = ChannelShuffle(groups[0])
        self.depthwise = ConvBNAct(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6)
        self.project = ConvBNAct(hidden, out_channels, 1, groups=groups[1], activation=None)
        self.shuffle_back = ChannelShuffle(out_channels // groups[1]) if second_shuffle else nn.Identity()
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.shuffle_back(self.project(self.depthwise(self.shuffle(self.expand(x)))))
        return x + out if self.residual else out


class IGCV3(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        version: ``"d"`` (deeper) or ``"w"`` (wider).
        width: multiplier of every channel count; the last 1280 only grows.
        expand_groups, project_groups: G1 and G2 of the 1x1 convolutions.
        cifar: stride 1 in the stem and the second stage, for 32 x 32 images.
        second_shuffle: shuffle after the projection too, as the paper's figure has it.
        num_classes: size of the output.
        dropout: probability before the classifier, in training only.
    """

    def __init__(
        self,
        version: str = "d",
        width: float = 1.0,
        expand_groups: int = 2,
        project_groups: int = 2,
        *,
        cifar: bool = False,
        second_shuffle: bool = False,
        num_classes: int = 1000,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        groups = (expand_groups, project_groups)
        multiple = max(groups)
        channels = scaled(STEM, width, multiple)
        self.stem = ConvBNAct(3, channels, 3, 1 if cifar else 2, activation=nn.ReLU6)
        blocks = []
        for stage, (expansion, base, repeats, stride) in enumerate(TABLES[version]):
            out = scaled(base, width, multiple)
            first = 1 if cifar and stage == CIFAR_UNIT_STRIDE_STAGE else stride
            for index in range(repeats):
                step = first if index == 0 else 1
                blocks.append(IGCV3Block(channels, out, step, expansion, groups, second_shuffle=second_shuffle))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        last = scaled(LAST, max(1.0, width), multiple)
        self.last = ConvBNAct(channels, last, 1, activation=nn.ReLU6)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = nn.functional.adaptive_avg_pool2d(self.last(self.blocks(self.stem(x))), 1)
        scores: Tensor = self.classifier(torch.flatten(x, 1))
        return scores


def igcv3(
    version: str = "d",
    width: float = 1.0,
    expand_groups: int = 2,
    project_groups: int = 2,
    *,
    cifar: bool = False,
    second_shuffle: bool = False,
    num_classes: int = 1000,
) -> nn.Module:
    """IGCV3 of the given version and width, freshly initialised."""
    return IGCV3(
        version,
        width,
        expand_groups,
        project_groups,
        cifar=cifar,
        second_shuffle=second_shuffle,
        num_classes=num_classes,
    )
