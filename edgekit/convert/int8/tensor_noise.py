"""Which operators of an int8 file should stay in float, from what its tensors hold on the calibration inputs.

What 8 bits do to a tensor follows from its range and from how much it differs between inputs. A layer passes on
about the share of noise that it is given, so the shares add up on the way to the outputs. That ranks the tensors;
how near an artifact really comes, only the artifact shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .ranges import outliers_cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .extremes import InnerRange

STEPS = 255  # between the codes of 8 bits
BORDER_COST = 0.005
"""Cost of a move besides its MACs, as a share of all MACs: conversions at its border, or another operator."""
MOST_MACS = 0.5
"""Largest share in float: beyond it int8 gains little."""


LARGEST = 1e30
"""What a scale can hold: some converters write minus infinity as the lowest float32."""


def holds(values: NDArray[Any]) -> bool:
    """Whether 8 bits can hold values: what pads a max pool, or masks scores, may be minus infinity."""
    return bool((np.abs(values) <= LARGEST).all())


class Observed:
    """What a tensor holds over all calibration inputs.

    Args:
        axis: of its channels; what reads it may scale each of them by itself.
        inputs: how many there will be, where :meth:`ends` is to leave out outliers.
        outliers: the most that it is to leave out.

    Attributes:
        low, high: its smallest and largest value.
        size: values of one input.
    """

    def __init__(self, axis: int, inputs: int = 0, outliers: int = 0) -> None:
        self.low, self.high = np.inf, -np.inf
        self.size = 0
        self._inputs, self._outliers = inputs, outliers
        self._inner: InnerRange | None = None
        self._axis, self._count = axis, 0
        self._squares: NDArray[Any] | float = 0.0
        self._sum: NDArray[Any] | float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Take its values for one more input; the shape is that of the others."""
        self.size = values.size
        if values.size:
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
            if not self.finite:
                return
            if self._outliers:
                self._look_at_ends(values)
            rows = self._rows(values.astype(np.float64))
            self._sum, self._squares = self._sum + rows, self._squares + np.square(rows).sum(1)
            self._count += 1

    def _look_at_ends(self, values: NDArray[Any]) -> None:
        import torch

        from .extremes import InnerRange

        if self._inner is None:
            self._inner = InnerRange(outliers_cut(self._outliers, values.size * self._inputs, self._inputs))
        self._inner.add(torch.from_numpy(np.ascontiguousarray(values)))

    def ends(self, outliers: int) -> tuple[float, float]:
        """The smallest and the largest value without so many outliers an input, half of them at each end."""
        if not outliers or self._inner is None:
            return self.low, self.high
        return self._inner.without(outliers_cut(outliers, self.size * self._inputs, self._inputs))

    def _rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """``(channels, values)``; one channel where there are no more than two dimensions."""
        if values.ndim < 3:
            return values.reshape(1, -1)
        return np.moveaxis(values, self._axis, 0).reshape(values.shape[self._axis], -1)

    @property
    def finite(self) -> bool:
        """Whether 8 bits can hold it; see :func:`holds`."""
        return holds(np.array([self.low, self.high]))

    @property
    def mean(self) -> float:
        """Of the finite values."""
        return float(np.sum(self._sum)) / max(self._count * self.size, 1)

    @property
    def power(self) -> float:
        """Mean square of the finite values."""
        return float(np.sum(self._squares)) / max(self._count * self.size, 1)

    @property
    def noise(self) -> float:
        """Power of the rounding to 8 bits over that of the differences between the inputs, 1 at most; of one input, its
        own. It is the mean over the channels; one that is always zero has no noise.
        """
        if not self._count or not self.finite:
            return 0.0
        total, squares = np.asarray(self._sum), np.asarray(self._squares)
        shared = np.square(total).sum(1) / self._count if self._count > 1 else 0.0
        step = (max(self.high, 0.0) - min(self.low, 0.0)) / STEPS
        power = step**2 / 12 * total.shape[1] * self._count
        if power == 0:
            return 0.0
        return float(np.mean(np.where(squares > 0, power / np.maximum(squares - shared, power), 0.0)))


@dataclass(frozen=True)
class Touched:
    """A tensor of the float file.

    Attributes:
        noise: its share of what int8 does to the outputs.
        operators: those that have to be in float for it to be.
        name: of the module that makes it, or its own.
    """

    noise: float
    operators: frozenset[str]
    name: str = ""


@dataclass(frozen=True)
class Move:
    """A step towards more in float.

    Attributes:
        operators: names of all that are in float then.
        share: theirs of the multiply-accumulates.
        left: noise of the tensors that are still rounded.
        tensors: names of those that were chosen, in that order.
    """

    operators: frozenset[str]
    share: float
    left: float
    tensors: tuple[str, ...] = ()


def moves(tensors: Sequence[Touched], macs: Mapping[str, int], most_float: float) -> Iterator[Move]:
    """Yield a path from all in int8, which is the first, to ``most_float`` of the multiply-accumulates in float.

    Each step brings the tensor to float that spares most noise for its cost, with that of all others whose operators
    are then in float too.

    Args:
        tensors: of the float file.
        macs: of its convolutions and matrix products, by name.
        most_float: largest share in float.
    """
    total = max(sum(macs.values()), 1)
    names = sorted({name for tensor in tensors for name in tensor.operators})
    bits = {name: 1 << place for place, name in enumerate(names)}
    costs = {bits[name]: macs.get(name, 0) / total for name in names}
    masks = {tensor: sum(bits[name] for name in tensor.operators) for tensor in tensors}
    open_ = [tensor for tensor in dict.fromkeys(tensors) if tensor.noise > 0 and tensor.operators]
    kept = 0
    taken: tuple[str, ...] = ()

    def share(mask: int) -> float:
        return sum(cost for bit, cost in costs.items() if cost and mask & bit)

    def spared(mask: int) -> float:
        return sum(tensor.noise for tensor in open_ if not masks[tensor] & ~mask)

    while True:
        open_ = [tensor for tensor in open_ if masks[tensor] & ~kept]
        operators = frozenset(name for name in names if kept & bits[name])
        yield Move(operators, share(kept), sum(tensor.noise for tensor in open_), taken)
        fitting = [tensor for tensor in open_ if share(kept | masks[tensor]) <= most_float]
        if not fitting:
            return
        now = kept
        best = max(
            fitting,
            key=lambda tensor: spared(now | masks[tensor]) / (share(masks[tensor] & ~now) + BORDER_COST),
        )
        kept |= masks[best]
        taken = (*taken, best.name)
