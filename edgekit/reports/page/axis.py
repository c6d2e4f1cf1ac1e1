"""Axes: where a value stands, as a share of the axis' length, and which round values to write beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LOG_FROM = 8.0
"""Axes that span more than this factor are logarithmic."""


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis from ``low`` to ``high``."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """0 at ``low``, 1 at ``high``; values beyond stand at the ends."""
        if self.log:
            floor = max(value, self.low)
            found = (math.log(floor) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        else:
            found = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, found))

    def ticks(self, most: int = 7) -> list[float]:
        """Round values, at most about ``most``: 1, 2, 5 of each decade, or equal steps of 1, 2 or 5."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            for steps in ((1, 2, 5), (1, 3), (1,)):
                every = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
                inside = [value for value in every if self.low <= value <= self.high]
                if len(inside) <= most:
                    break
            if len(inside) >= 2:
                return inside
        step = nice_step((self.high - self.low) / most)
        begin = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(begin, math.floor(self.high / step + 1e-9) + 1)]


def nice_step(rough: float) -> float:
    """The smallest of 1, 2, 5, 10 times a power of ten that is not below ``rough``."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def round_axis(values: Sequence[float], steps: int = 4) -> tuple[Axis, int]:
    """A linear axis that holds ``values`` and begins and ends at ticks, and the number of steps between its ticks.

    Args:
        values: at least one.
        steps: about as many are made.
    """
    low, high = min(values), max(values)
    step = nice_step(max(high - low, abs(high) * 0.01, 1e-6) / steps)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)
    return Axis(first * step, last * step), last - first


def log_axis(values: Sequence[float], *, room: float = 0.08) -> Axis:
    """A logarithmic axis that holds positive values with some room; a linear one where one of them is not positive.

    Args:
        values: at least one.
        room: free share at either end, at least a twentieth of the value itself.
    """
    low, high = min(values), max(values)
    if low <= 0:
        return axis_of(values, room=room)
    factor = max((high / low) ** room, 1.05)
    return Axis(low / factor, high * factor, log=True)


def axis_of(values: Sequence[float], *, from_zero: bool = False, room: float = 0.08) -> Axis:
    """An axis that holds ``values`` with some room; logarithmic when positive ones span over a factor of eight.

    Args:
        values: at least one.
        from_zero: a linear axis begins at zero.
        room: free share at either end.
    """
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        factor = (high / low) ** room
        return Axis(low / factor, high * factor, log=True)
    if from_zero and low >= 0:
        return Axis(0.0, high * (1 + room) or 1.0)
    free = (high - low) * room or abs(high) * room or 1.0
    return Axis(low - free, high + free)
