"""ShuffleNet V1 (Zhang et al. 2018, arXiv:1707.01083, table 1): group convolutions joined by channel shuffles.

The paper leaves some choices open; published weights differ in them and are not interchangeable. A *convention* names
one set of choices:

- ``paper``: view (g, C/g) and transpose, after the first group convolution; shortcut first in the concatenation.
- ``megvii``: the inverse permutation, after the depthwise convolution; shortcut first.
- ``pytorchcv``: as ``paper``, but the main branch first.

The first 1x1 convolution of stage 2 is never grouped (section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from .blocks import ConvBNAct, init_weights
from .permutation import ChannelShuffle

# Output channels of stage 2 by number of groups; stages 3 and 4 have twice and four times as many.
STAGE2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # 28 x 28, then 14 x 14 and 7 x 7, at a 224 x 224 input
REPEATS = (4, 8, 4)  # units per stage; the first has stride 2
STEM = 24  # 112 x 112, then 56 x 56 after the max pool
BOTTLENECK = 4


@dataclass(frozen=True)
class Convention:
    """The choices that the paper leaves open."""

    inverse: bool
    after_depthwise: bool
    shortcut_first: bool


CONVENTIONS = {
    "paper": Convention(inverse=False, after_depthwise=False, shortcut_first=True),
    "megvii": Convention(inverse=True, after_depthwise=True, shortcut_first=True),
    "pytorchcv": Convention(inverse=False, after_depthwise=False, shortcut_first=False),
}


def scaled_channels(groups: int, width: float) -> tuple[int, int, int, int]:
    """Channels of the stem and of stages 2 to 4.

    The paper is silent on widths that the groups do not divide: stages are rounded up to a multiple of 4 g (their
    bottleneck is a quarter) and the stem to a multiple of g, except that the stem stays at 24 at 1.5x, as the
    authors' code has it, which gives the paper's 292 M.
    """
    multiple = BOTTLENECK * groups
    stages = [ceil(STAGE2[groups] * scale * width / multiple) * multiple for scale in (1, 2, 4)]
    stem = STEM if width == 1.5 else ceil(STEM * width / groups) * groups
    return stem, stages[0], stages[1], stages[2]


class ShuffleUnit(nn.Module):
    """1x1 group convolution, shuffle, 3x3 depthwise, 1x1 group convolution; added to, or beside, the shortcut."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, groups: int, first_groups: int, convention: Convention
    ) -> None:
        super().__init__()
        self.hidden, self.groups, self.stride = out_channels // BOTTLENECK, groups, stride
        main = out_channels - in_channels if stride == 2 else out_channels
        self.reduce = ConvBNAct(in_channels, self.hidden, 1, groups=first_groups)
        self.shuffle = ChannelShuffle(groups)
        self.depthwise = ConvBNAct(self.hidden, self.hidden, 3, stride, groups=self.hidden, activation=None)
        self.expand = ConvBNAct(self.hidden, main, 1, groups=groups, activation=None)
        self.shortcut = nn.AvgPool2d(3, 2, 1) if stride == 2 else nn.Identity()
        self.relu = nn.ReLU()
        self.adopt(convention)

    def adopt(self, convention: Convention) -> None:
        """Shuffle and concatenate as ``convention`` says."""
        self.convention = convention
        self.shuffle.groups = self.hidden // self.groups if convention.inverse else self.groups

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        main = self.reduce(x)
        if self.convention.after_depthwise:
            main = self.shuffle(self.depthwise(main))
        else:
            main = self.depthwise(self.shuffle(main))
        main, shortcut = self.expand(main), self.shortcut(x)
        if self.stride == 1:
            joined = shortcut + main
        else:
            joined = torch.cat([shortcut, main] if self.convention.shortcut_first else [main, shortcut], 1)
        out: Tensor = self.relu(joined)
        return out


class ShuffleNetV1(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        groups: of the 1x1 convolutions: 1, 2, 3, 4 or 8.
        width: multiplier of every channel count; see :func:`scaled_channels`.
        convention: ``"paper"``, ``"megvii"`` or ``"pytorchcv"``; see the module's text.
        num_classes: size of the output.
    """

    def __init__(self, groups: int = 3, width: float = 1.0, convention: str = "paper", num_classes: int = 1000) -> None:
        super().__init__()
        channels, *stages = scaled_channels(groups, width)
        self.conv1 = ConvBNAct(3, channels, 3, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        units = []
        for stage, out in enumerate(stages):
            for index in range(REPEATS[stage]):
                first_groups = 1 if stage == 0 and index == 0 else groups
                stride = 2 if index == 0 else 1
                units.append(ShuffleUnit(channels, out, stride, groups, first_groups, CONVENTIONS[convention]))
                channels = out
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(channels, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = self.units(self.maxpool(self.conv1(x)))
        scores: Tensor = self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores

    def adopt(self, publisher: str) -> None:
        """Take the convention that ``publisher``'s weights were trained with; unknown ones leave it as it is."""
        for module in self.modules():
            if isinstance(module, ShuffleUnit) and publisher in CONVENTIONS:
                module.adopt(CONVENTIONS[publisher])


def shufflenet_v1(groups: int = 3, width: float = 1.0, convention: str = "paper", num_classes: int = 1000) -> nn.Module:
    """ShuffleNet V1 with the given groups and width, freshly initialised."""
    return ShuffleNetV1(groups, width, convention, num_classes)
