"""Channel permutations as values, and the channel shuffle that ShuffleNet, IGC and CondenseNet share.

An *order* is a tuple: new channel ``i`` is old channel ``order[i]``. Nothing here is hidden in a forward: a rewrite
that folds a shuffle into a neighbouring convolution reads :meth:`ChannelShuffle.order`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import UsageError

Order = tuple[int, ...]


def shuffle_order(channels: int, groups: int) -> Order:
    """The order of a shuffle: view ``(groups, channels / groups)``, transpose (ShuffleNet 2018, section 3.1).

    Raises:
        UsageError: ``groups`` does not divide ``channels``.
    """
    if channels % groups:
        raise UsageError(f"a channel shuffle of {channels} channels cannot have {groups} groups")
    size = channels // groups
    return tuple(group * size + position for position in range(size) for group in range(groups))


def inverse_order(order: Sequence[int]) -> Order:
    """The order that undoes ``order``; that of a shuffle by ``g`` is the shuffle by ``channels / g``."""
    inverse = [0] * len(order)
    for new, old in enumerate(order):
        inverse[old] = new
    return tuple(inverse)


def compose_orders(first: Sequence[int], second: Sequence[int]) -> Order:
    """The single order equal to applying ``first``, then ``second``."""
    return tuple(first[index] for index in second)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """``(N, C, H, W)`` with its channels in :func:`shuffle_order`; ``groups = C / g`` undoes ``groups = g``.

    H and W are merged, so that no tensor has more than four dimensions: TFLite delegates take no fifth.
    """
    batch, channels, height, width = x.shape
    grouped = x.view(batch, groups, channels // groups, height * width)
    return grouped.transpose(1, 2).reshape(batch, channels, height, width)


class ChannelShuffle(nn.Module):
    """:func:`channel_shuffle` as a layer; ``groups`` may be changed, for weights of another convention."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        return channel_shuffle(x, self.groups)

    def order(self, channels: int) -> Order:
        """The permutation applied to ``channels`` channels."""
        return shuffle_order(channels, self.groups)

    def extra_repr(self) -> str:
        """For ``print(network)``."""
        return f"groups={self.groups}"
