"""ShuffleNet V2 (Ma et al. 2018, arXiv:1807.11164, table 5): channel split, equal widths, one shuffle a unit.

Parameter names are torchvision's. Three variants, whose weights are not interchangeable:

- ``torchvision``: in a stride-2 unit both branches end with half of the output; halves are split, shuffled at the end.
- ``megvii``: the shortcut keeps its width and the main branch makes up the rest (the paper's 146/299/591 M); the
  split takes even and odd channels at the start of a unit.
- ``pytorchcv``: megvii's widths with torchvision's shuffle.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import init_weights
from .permutation import ChannelShuffle

# Channels of the stem, stages 2 to 4 and conv5, by width.
TABLE = {
    # 56 x 56, 28 x 28, 14 x 14, 7 x 7, 7 x 7 at a 224 x 224 input
    0.5: (24, 48, 96, 192, 1024),
    1.0: (24, 116, 232, 464, 1024),
    1.5: (24, 176, 352, 704, 1024),
    2.0: (24, 244, 488, 976, 2048),
}
REPEATS = (4, 8, 4)  # units per stage; the first has stride 2
VARIANTS = ("torchvision", "megvii", "pytorchcv")


def conv_bn(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution without bias and its BN, as two layers of the caller's sequence (torchvision's flat numbering)."""
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]


class ShuffleUnit(nn.Module):
    """Split, transform one half (or, at stride 2, both branches of the whole), concatenate, shuffle."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, variant: str) -> None:
        super().__init__()
        self.stride, self.channels = stride, out_channels
        half = out_channels // 2
        if stride == 2:
            shortcut = half if variant == "torchvision" else in_channels
            depthwise = conv_bn(in_channels, in_channels, 3, 2, groups=in_channels)
            self.branch1 = nn.Sequential(*depthwise, *conv_bn(in_channels, shortcut, 1), nn.ReLU())
            main_in, main_out = in_channels, out_channels - shortcut
        else:
            main_in = main_out = half
        self.branch2 = nn.Sequential(
            *conv_bn(main_in, half, 1),
            nn.ReLU(),
            *conv_bn(half, half, 3, stride, groups=half),
            *conv_bn(half, main_out, 1),
            nn.ReLU(),
        )
        self.shuffle = ChannelShuffle(2)
        self.adopt(variant)

    def adopt(self, variant: str) -> None:
        """Shuffle where and as ``variant`` says: even and odd channels apart, or both halves interleaved."""
        self.shuffle_first = variant == "megvii"
        self.shuffle.groups = self.channels // 2 if self.shuffle_first else 2

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        if self.stride == 2:
            joined = torch.cat([self.branch1(x), self.branch2(x)], 1)
        else:
            shortcut, main = (self.shuffle(x) if self.shuffle_first else x).chunk(2, 1)
            joined = torch.cat([shortcut, self.branch2(main)], 1)
        if self.shuffle_first:
            return joined
        out: Tensor = self.shuffle(joined)
        return out


def stage(in_channels: int, out_channels: int, repeats: int, variant: str) -> nn.Sequential:
    """A unit of stride 2, then ``repeats - 1`` of stride 1."""
    units = [ShuffleUnit(in_channels, out_channels, 2, variant)]
    units += [ShuffleUnit(out_channels, out_channels, 1, variant) for _ in range(repeats - 1)]
    return nn.Sequential(*units)


class ShuffleNetV2(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        width: 0.5, 1.0, 1.5 or 2.0.
        variant: ``"torchvision"``, ``"megvii"`` or ``"pytorchcv"``; see the module's text.
        num_classes: size of the output.
    """

    def __init__(self, width: float = 1.0, variant: str = "torchvision", num_classes: int = 1000) -> None:
        super().__init__()
        self.variant = VARIANTS[VARIANTS.index(variant)]
        channels, *stages, last = TABLE[width]
        self.conv1 = nn.Sequential(*conv_bn(3, channels, 3, 2), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = stage(channels, stages[0], REPEATS[0], variant)
        self.stage3 = stage(stages[0], stages[1], REPEATS[1], variant)
        self.stage4 = stage(stages[1], stages[2], REPEATS[2], variant)
        self.conv5 = nn.Sequential(*conv_bn(stages[2], last, 1), nn.ReLU())
        self.fc = nn.Linear(last, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        scores: Tensor = self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores

    def adopt(self, publisher: str) -> None:
        """Shuffle as ``publisher``'s weights were trained; megvii's and pytorchcv's share their widths only."""
        if self.variant != "torchvision" and publisher in VARIANTS:
            for module in self.modules():
                if isinstance(module, ShuffleUnit):
                    module.adopt(publisher)


def shufflenet_v2(width: float = 1.0, variant: str = "torchvision", num_classes: int = 1000) -> nn.Module:
    """ShuffleNet V2 at the given width, freshly initialised."""
    return ShuffleNetV2(width, variant, num_classes)
