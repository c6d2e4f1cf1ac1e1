"""The outermost values of tensors, and the ranges without them. It costs little more than finding the smallest and the
largest value; a histogram of a large tensor takes thirty times as long.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 128
"""Values per chunk. The smallest and largest of each chunk are taken first, since few chunks hold an outermost value.
"""

ENDLESS = 3e38
"""Padding in front of a maximum is at least this large; no range must include it."""


def outermost(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` smallest values and the ``count`` largest, each in ascending order; all where there are fewer."""
    flat = values.detach().reshape(-1)
    if count == 1:
        smallest, largest = flat.aminmax()
        return smallest[None], largest[None]
    whole = len(flat) // CHUNK
    if whole <= 2 * count:
        ordered = flat.sort().values
        return ordered[:count], ordered[-count:]
    chunks, rest = flat[: whole * CHUNK].view(whole, CHUNK), flat[whole * CHUNK :]
    least, most = chunks.amin(1), chunks.amax(1)
    # As many chunks as wanted hold a value up to the bound; all values beyond it are in fewer chunks than that.
    low, high = least.kthvalue(count).values, most.kthvalue(whole - count + 1).values
    below = torch.cat([chunks[least < low].reshape(-1), rest, low.expand(count)])
    above = torch.cat([chunks[most > high].reshape(-1), rest, high.expand(count)])
    return below.sort().values[:count], above.sort().values[-count:]


class InnerRange:
    """The range of a tensor's values, collected part by part, without the outermost ones.

    Args:
        cut: how many values are left out at each end; none where all the others are the same.
    """

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self._low = self._high = torch.empty(0)

    def add(self, values: Tensor) -> None:
        """Take in more values, of any shape."""
        low, high = outermost(values, self.cut + 1)
        if low[0] <= -ENDLESS or high[-1] >= ENDLESS:
            low, high = outermost(values[values.abs() < ENDLESS], self.cut + 1)
        self._low = torch.cat([self._low, low]).sort().values[: self.cut + 1]
        self._high = torch.cat([self._high, high]).sort().values[-self.cut - 1 :]

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest of the remaining values."""
        return self.without(self.cut)

    def without(self, cut: int) -> tuple[float, float]:
        """The smallest and the largest value when so many are left out at each end, at most :attr:`cut`."""
        low, high = float(self._low[min(cut, len(self._low) - 1)]), float(self._high[-min(cut + 1, len(self._high))])
        return (low, high) if low < high else (float(self._low[0]), float(self._high[-1]))
