"""Learned group convolution (Huang et al. 2018, arXiv:1711.09224, section 4): the training form and the condensed one.

In training a 1x1 convolution has G filter groups (output ``o`` belongs to group ``o mod G``) and a 0/1 mask. In C - 1
stages every group drops ``in / C`` inputs, those whose filters of the group have the smallest L1 norm, until ``in / C``
survive. Condensed, the survivors are gathered by an index, convolved with G contiguous groups, and shuffled back to
the training order.

Parameter and buffer names are those of the official code, whose slips are not repeated: a forward never changes a
mask, a jump over several stages drops all of them, the lasso lasts until the last stage also when G != C, and the
progress belongs to the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .permutation import ChannelShuffle, Order

LASSO_FLOOR = 1e-6


def stage_of(progress: float, factor: int) -> int:
    """The condensation stage, 0 to C - 1, at a share of the training done: one every ``1 / (2 (C - 1))``.

    The last stage begins at 0.5; the second half of the training fine-tunes the surviving connections.
    """
    return next((stage for stage in range(factor - 1) if 2 * progress < (stage + 1) / (factor - 1)), factor - 1)


class MaskedConv1x1(nn.Conv2d):
    """Bias-free 1x1 convolution whose weight is multiplied by a mask of its shape."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(N, in, H, W)`` to ``(N, out, H, W)``."""
        weight = self.weight if mask is None else self.weight * mask
        return nn.functional.conv2d(x, weight)


class LearnedGroupConv(nn.Module):
    """BN, ReLU, optional dropout and a masked 1x1 convolution, ``(N, in, H, W)`` to ``(N, out, H, W)``.

    Args:
        groups: G, filter groups.
        factor: C, the condensation factor: ``in / C`` inputs of every group survive.
        dropout: probability before the convolution, in training only.

    Raises:
        UsageError: C does not divide ``in_channels``, or G does not divide ``out_channels``.
    """

    _count: Tensor
    _stage: Tensor
    _mask: Tensor

    def __init__(self, in_channels: int, out_channels: int, groups: int, factor: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_divisible(in_channels, out_channels, groups, factor)
        self.groups, self.factor = groups, factor
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.conv = MaskedConv1x1(in_channels, out_channels)
        self.register_buffer("_count", torch.zeros(1))
        self.register_buffer("_stage", torch.zeros(1))
        self.register_buffer("_mask", torch.ones(out_channels, in_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in, H, W)`` to ``(N, out, H, W)``; the mask is read, never changed."""
        out: Tensor = self.conv(self.dropout(self.relu(self.norm(x))), self._mask)
        return out

    @property
    def stage(self) -> int:
        """Stages whose inputs have been dropped, 0 to C - 1."""
        return int(self._stage.item())

    def advance(self, progress: float) -> int:
        """Drop the inputs of every stage that ``progress`` (in [0, 1]) has passed since the last call.

        Returns:
            The number of inputs that each group lost: a multiple of ``in / C``, 0 when no stage began.
        """
        stage = stage_of(progress, self.factor)
        if stage <= self.stage:
            return 0
        dropped = (stage - self.stage) * (self.conv.in_channels // self.factor)
        self._drop(dropped)
        self._stage.fill_(stage)
        return dropped

    def _drop(self, dropped: int) -> None:
        grouped = (self.conv.weight.detach() * self._mask).view(-1, self.groups, self.conv.in_channels)
        norms = grouped.abs().sum(0)
        # Columns dropped before sort first, also when a live column's weights are all zero.
        norms = norms.masked_fill(~self.survivors(), -1.0)
        order = norms.argsort(dim=1, stable=True)
        count = int(self._count.item())
        mask = self._mask.view(-1, self.groups, self.conv.in_channels)
        for group in range(self.groups):
            mask[:, group, order[group, count : count + dropped]] = 0.0
        self._count += dropped

    def survivors(self) -> Tensor:
        """``(G, in)`` bool: which inputs each group still uses (its first filter stands for the group)."""
        return self._mask[: self.groups, :, 0, 0] != 0

    def groups_agree(self) -> bool:
        """True when all filters of a group use the same inputs, as every mask made by :meth:`advance` has it."""
        masks = self._mask.view(-1, self.groups, self.conv.in_channels) != 0
        return bool((masks == self.survivors()).all())

    def lasso(self) -> Tensor:
        """The group-lasso term: sum over groups and inputs of the L2 norm of the group's weights of that input.

        Zero from the last stage on. Scalar, differentiable.
        """
        if self.stage >= self.factor - 1:
            return self.conv.weight.new_zeros(())
        squares = (self.conv.weight * self._mask).view(-1, self.groups, self.conv.in_channels).square().sum(0)
        return squares.clamp(min=LASSO_FLOOR).sqrt().sum()


@dataclass(frozen=True)
class CondensedFacts:
    """The permutations of a condensed convolution, for a rewrite to fold.

    Attributes:
        index: channel of the input that each channel of the BN and the convolution reads; duplicates are normal.
        groups: contiguous groups of the convolution.
        order: new output channel ``i`` is the convolution's channel ``order[i]``.
    """

    index: Order
    groups: int
    order: Order


class CondensedConv(nn.Module):
    """Index, BN, ReLU, 1x1 group convolution, shuffle: ``(N, in, H, W)`` to ``(N, out, H, W)``.

    Freshly built it gathers ``in / C`` random inputs for each group, in ascending order.

    Args:
        groups: G.
        factor: C; the convolution reads ``G in / C`` channels.

    Raises:
        UsageError: C does not divide ``in_channels``, or G does not divide ``out_channels``.
    """

    index: Tensor

    def __init__(self, in_channels: int, out_channels: int, groups: int, factor: int) -> None:
        super().__init__()
        check_divisible(in_channels, out_channels, groups, factor)
        kept = in_channels // factor
        gathered = [torch.randperm(in_channels)[:kept].sort().values for _ in range(groups)]
        self.register_buffer("index", torch.cat(gathered))
        self.norm = nn.BatchNorm2d(groups * kept)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(groups * kept, out_channels, 1, groups=groups, bias=False)
        self.shuffle = ChannelShuffle(groups)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in, H, W)`` to ``(N, out, H, W)``."""
        gathered = torch.index_select(x, 1, self.index)
        out: Tensor = self.shuffle(self.conv(self.relu(self.norm(gathered))))
        return out

    def facts(self) -> CondensedFacts:
        """The index and the output permutation as values."""
        index = tuple(int(channel) for channel in self.index)
        return CondensedFacts(index, self.conv.groups, self.shuffle.order(self.conv.out_channels))


def check_divisible(in_channels: int, out_channels: int, groups: int, factor: int) -> None:
    """Raise :class:`UsageError` unless C divides the inputs and G the outputs."""
    if factor < 1 or in_channels % factor:
        raise UsageError(f"the condensation factor {factor} does not divide {in_channels} input channels")
    if groups < 1 or out_channels % groups:
        raise UsageError(f"{groups} groups do not divide {out_channels} output channels")
