"""IGCV2: interleaved structured sparse convolutions (Xie et al. 2018, arXiv:1804.06202, sections 3 and 4).

A block is a channelwise 3x3 convolution followed by 1x1 group convolutions with K_2, ..., K_L channels a branch. The
channel index is a mixed-radix number; a 1x1 convolution mixes its innermost digit, and the shuffle after it rotates
that digit to the outermost place, so that the next convolution mixes the next digit. When K_2 ... K_L = C, every output
sees every input over exactly one path: the strict complementary condition, and the last shuffle restores the order.
The loose form keeps K in every stage, whatever C: at most one path in a block, all channels mixed over several blocks.

No official code or ImageNet table was found; this is the paper's definition, and the stages are IGCV1's.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .blocks import ConvBNAct, init_weights
from .permutation import ChannelShuffle

# Width as a multiple of C, stride of the first block; (depth - 2) / 3 blocks a stage.
CIFAR = [
    # width, s
    (1, 1),  # 32 x 32 x C
    (2, 2),  # 16 x 16 x 2C
    (4, 2),  # 8 x 8 x 4C
]


def stage_radices(channels: int, branch: int, layers: int, *, strict: bool) -> tuple[int, ...]:
    """Channels per branch, K_2 to K_L, of a stage: all ``branch``, or with the last one making up ``channels``.

    Raises:
        UsageError: a K does not divide the channels, or no last K makes the product ``channels``.
    """
    radices = [branch] * (layers - 1)
    if strict:
        radices[-1] = channels // prod(radices[:-1])
        if prod(radices) != channels:
            raise UsageError(f"{channels} channels are not {branch}^{layers - 2} times a whole number")
    for radix in radices:
        if channels % radix:
            raise UsageError(f"{radix} channels a branch do not divide {channels} channels")
    return tuple(radices)


def path_counts(channels: int, radices: Sequence[int]) -> Tensor:
    """How many paths the 1x1 convolutions of a block have from input (column) to output (row): ``(C, C)`` int64."""
    paths = torch.eye(channels, dtype=torch.int64, device="cpu")
    for radix in radices:
        mixed = paths.view(channels // radix, radix, channels).sum(1, keepdim=True).expand(-1, radix, -1)
        shuffle = ChannelShuffle(channels // radix)
        paths = mixed.reshape(channels, channels)[list(shuffle.order(channels))]
    return paths


def is_complementary(channels: int, radices: Sequence[int]) -> bool:
    """True when exactly one path joins every input to every output: the strict condition (section 3.2)."""
    return bool((path_counts(channels, radices) == 1).all())


class IGCV2Block(nn.Module):
    """Channelwise 3x3, then 1x1 group convolutions with a shuffle after each; BN and ReLU at the end only."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, radices: Sequence[int]) -> None:
        super().__init__()
        self.channelwise = nn.Conv2d(in_channels, out_channels, 3, stride, 1, groups=in_channels, bias=False)
        layers: list[nn.Module] = []
        for radix in radices:
            groups = out_channels // radix
            layers += [nn.Conv2d(out_channels, out_channels, 1, groups=groups, bias=False), ChannelShuffle(groups)]
        self.pointwise = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H / stride, W / stride)``."""
        out: Tensor = self.activation(self.norm(self.pointwise(self.channelwise(x))))
        return out


class IGCV2(nn.Module):
    """``(N, 3, H, W)`` image to ``(N, num_classes)`` class scores.

    Args:
        channels: C of the first stage.
        branch: K, channels per branch.
        layers: L, group convolutions of a block, the channelwise one included.
        depth: 3 B + 2.
        strict: choose the last K of every stage so that the strict complementary condition holds, and check it.
        num_classes: size of the output.

    Raises:
        UsageError: see :func:`stage_radices`; or the condition does not hold.
        UsageError: a depth that is not 3 B + 2.
    """

    def __init__(
        self,
        channels: int,
        branch: int = 8,
        layers: int = 3,
        depth: int = 20,
        *,
        strict: bool = False,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        blocks_per_stage, rest = divmod(depth - 2, len(CIFAR))
        if rest or blocks_per_stage < 1:
            raise UsageError(f"depth {depth} is not {len(CIFAR)} B + 2")
        self.stem = ConvBNAct(3, channels)
        blocks = []
        current = channels
        for width, stride in CIFAR:
            out = channels * width
            radices = stage_radices(out, branch, layers, strict=strict)
            if strict and not is_complementary(out, radices):
                raise UsageError(f"branches of {radices} channels do not join all of {out} channels exactly once")
            for index in range(blocks_per_stage):
                blocks.append(IGCV2Block(current, out, stride if index == 0 else 1, radices))
                current = out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(current, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, num_classes)``."""
        x = self.blocks(self.stem(x))
        scores: Tensor = self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
        return scores


def igcv2(
    channels: int, branch: int = 8, layers: int = 3, depth: int = 20, *, strict: bool = False, num_classes: int = 1000
) -> nn.Module:
    """IGCV2 of C = ``channels``, K = ``branch``, L = ``layers``, freshly initialised."""
    return IGCV2(channels, branch, layers, depth, strict=strict, num_classes=num_classes)
