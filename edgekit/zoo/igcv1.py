"""IGCV1: interleaved group convolutions (Zhang et al. 2017, arXiv:1707.02725, sections 3 and 4).

A block has a primary 3x3 group convolution of L partitions with M channels each, a permutation, a secondary 1x1 group
convolution of M partitions with L channels each (one from every primary partition: the complementary condition), and
the permutation back. There is no BN or activation between the two; one BN and ReLU follow.

The authors' residual code splits the first block of a widening unit by the *input's* M, so that its second permutation
does not undo the first. The cards keep to that code, whose figures are published; ``consistent=True`` repairs it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .blocks import ConvBNAct, init_weights
from .permutation import ChannelShuffle

BN_EPS = 2e-5
PLAIN_MOMENTUM, RESIDUAL_MOMENTUM = 0.01, 0.1

# CIFAR: width as a multiple of C = L M; (depth - 2) / 3 blocks a stage, or / 6 residual units.
CIFAR = [
    # width, primary partitions as a multiple of L, s
    (1, 1, 1),  # 32 x 32 x C
    (2, 1, 2),  # 16 x 16 x 2C
    (4, 1, 2),  # 8 x 8 x 4C
]
# ImageNet, the shape of ResNet-18: two residual units a stage; stem 7x7 s2 and max pool give 56 x 56 x C.
IMAGENET = {
    "double-m": [
        (1, 1, 1),  # 56 x 56 x C
        (2, 1, 2),  # 28 x 28 x 2C
        (4, 1, 2),  # 14 x 14 x 4C
        (8, 1, 2),  # 7 x 7 x 8C
    ],
    "double-l": [
        (2, 1, 1),  # 56 x 56 x 2C
        (4, 2, 2),  # 28 x 28 x 4C
        (8, 4, 2),  # 14 x 14 x 8C
        (16, 8, 2),  # 7 x 7 x 16C
    ],
}
SHAPES = ("cifar-plain", "cifar-residual", *(f"imagenet-{name}" for name in IMAGENET))


class IGC(nn.Module):
    """Interleaved group convolution and BN, with an optional ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        primary: int,
        secondary: int,
        bn_momentum: float,
        *,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.primary = nn.Conv2d(in_channels, out_channels, 3, stride, 1, groups=primary, bias=False)
        self.permute = ChannelShuffle(primary)
        self.secondary = nn.Conv2d(out_channels, out_channels, 1, groups=secondary, bias=False)
        self.permute_back = ChannelShuffle(secondary)
        self.norm = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=bn_momentum)
        self.activation = nn.ReLU() if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        x = self.permute_back(self.secondary(self.permute(self.primary(x))))
        out: Tensor = self.activation(self.norm(x))
        return out


class ResidualUnit(nn.Module):
    """Two IGCs around an identity, or a 1x1 group convolution where the width changes; ReLU after the sum only."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, primary: int, *, consistent: bool) -> None:
        super().__init__()
        secondary = out_channels // primary
        first_secondary = secondary if consistent else in_channels // primary
        self.first = IGC(in_channels, out_channels, stride, primary, first_secondary, RESIDUAL_MOMENTUM)
        self.second = IGC(out_channels, out_channels, 1, primary, secondary, RESIDUAL_MOMENTUM, activate=False)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = ConvBNAct(
                in_channels, out_channels, 1, stride, groups=primary, activation=None, bn_eps=BN_EPS
            )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.activation(self.shortcut(x) + self.second(self.first(x)))
        return out


class IGCV1(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        primary: L, the partitions of the 3x3 convolutions.
        secondary: M, the channels of each primary partition in the first stage.
        depth: layers of the CIFAR networks, 3 B + 2 (plain) or 6 B + 2 (residual); 18 on ImageNet.
        shape: ``"cifar-plain"``, ``"cifar-residual"``, or ``"imagenet-double-m"`` / ``"imagenet-double-l"`` (which of
            L and M grows with the width; the stem has L M channels, and the first stage of the latter twice as many).
        consistent: let the second permutation undo the first in widening units; see the module's text.
        num_classes: size of the output.

    Raises:
        UsageError: a depth that the shape does not have.
    """

    def __init__(
        self,
        primary: int,
        secondary: int,
        depth: int,
        shape: str = "cifar-plain",
        *,
        consistent: bool = False,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        channels = base = primary * secondary
        if shape not in SHAPES:
            raise ValueError(f"shape is {shape!r}, and there are {', '.join(SHAPES)}")
        plain, imagenet = shape == "cifar-plain", shape.startswith("imagenet-")
        layers_per_unit = 1 if plain else 2
        rows = IMAGENET[shape.removeprefix("imagenet-")] if imagenet else CIFAR
        units, rest = divmod(depth - 2, len(rows) * layers_per_unit)
        if rest or units < 1:
            raise UsageError(f"depth {depth} is not {len(rows) * layers_per_unit} B + 2")
        momentum = PLAIN_MOMENTUM if plain else RESIDUAL_MOMENTUM
        kernel, stride = (7, 2) if imagenet else (3, 1)
        self.stem = ConvBNAct(3, channels, kernel, stride, bn_eps=BN_EPS, bn_momentum=momentum)
        self.pool = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        blocks: list[nn.Module] = []
        for width, scale, first_stride in rows:
            out, partitions = base * width, primary * scale
            for index in range(units):
                step = first_stride if index == 0 else 1
                if plain:
                    blocks.append(IGC(channels, out, step, partitions, out // partitions, momentum))
                else:
                    # The ImageNet code has M of the output everywhere.
                    blocks.append(ResidualUnit(channels, out, step, partitions, consistent=consistent or imagenet))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = self.blocks(self.pool(self.stem(x)))
        scores: Tensor = self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores


def igcv1(
    primary: int,
    secondary: int,
    depth: int,
    shape: str = "cifar-plain",
    *,
    consistent: bool = False,
    num_classes: int = 1000,
) -> nn.Module:
    """IGCV1 with L = ``primary`` and M = ``secondary``, freshly initialised."""
    return IGCV1(primary, secondary, depth, shape, consistent=consistent, num_classes=num_classes)
