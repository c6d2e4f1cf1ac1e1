"""Ranges of activations from histograms: without outliers, or by the least squared error of rounding and clipping.

What a quantizer's own library offers is used there (see each format's ``quantize``); this fills the gaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...types import Quantization

Array = np.ndarray[Any, Any]

BINS = 2048
STEPS = 255  # between the codes of 8 bits
SHRINK = np.linspace(1.0, 0.1, 91)


OUTLIERS: tuple[int, ...] = (8, 2)
"""Values an image that are cut off as outliers: the numbers that are tried."""

MOST_OUTLIERS = 0.1
"""Largest percentage of a tensor's values that is cut off as outliers. Up to there it is a number of values per image:
the same for a small late map as for a large early one, of which the same share would be hundreds.
"""


def chosen_range(settings: Quantization, counts: Array, edges: Array, images: int) -> tuple[float, float]:
    """The range that ``settings.ranges`` takes of a tensor.

    Args:
        settings: ``ranges`` is ``outliers`` or ``mse``.
        counts: values per bin, over all calibration images.
        edges: of the bins, one more than counts.
        images: how many have been counted.
    """
    if settings.ranges == "outliers":
        return range_without_outliers(counts, edges, settings.outliers * images)
    return mse_range(counts, edges, settings.activations == "symmetric")


def values_cut(settings: Quantization, size: int, images: int) -> int:
    """How many values ``settings.ranges`` leaves out at each end of a tensor: none but for outliers and percentiles.

    Args:
        settings: say how.
        size: values of the tensor over all calibration images.
        images: how many these are.
    """
    if settings.ranges == "outliers":
        return outliers_cut(settings.outliers, size, images)
    return int((100 - settings.percentile) / 200 * size) if settings.ranges == "percentile" else 0


def outliers_cut(outliers: int, size: int, images: int) -> int:
    """How many values are left out at each end of a tensor of ``size`` values over so many images."""
    return int(min(MOST_OUTLIERS / 200 * size, outliers * images / 2))


def range_without_outliers(counts: Array, edges: Array, outliers: int) -> tuple[float, float]:
    """The range without so many outermost values."""
    cut = min(MOST_OUTLIERS, 100 * outliers / max(int(counts.sum()), 1))
    return percentile_range(counts, edges, 100 - cut)


def percentile_range(counts: Array, edges: Array, percentile: float) -> tuple[float, float]:
    """The range that holds ``percentile`` per cent of the values; what is cut off is cut half and half."""
    share = np.cumsum(counts) / max(counts.sum(), 1)
    cut = (100 - percentile) / 200
    low, high = int(np.searchsorted(share, cut, side="right")), int(np.searchsorted(share, 1 - cut, side="left"))
    return float(edges[min(low, len(counts) - 1)]), float(edges[min(high, len(counts) - 1) + 1])


def mse_range(counts: Array, edges: Array, symmetric: bool = False) -> tuple[float, float]:
    """The range whose 8-bit codes have the least squared error, weighed by the counts.

    Each end in turn moves towards zero in steps of a hundredth of its length; zero always has a code of its own.
    """
    used = np.flatnonzero(counts)
    if not used.size:
        return 0.0, 0.0
    low, high = min(float(edges[used[0]]), 0.0), max(float(edges[used[-1] + 1]), 0.0)
    centres, weights = ((edges[:-1] + edges[1:]) / 2)[used].astype(np.float64), counts[used].astype(np.float64)
    if symmetric:
        end = max(-low, high)
        best = end * float(min(SHRINK, key=lambda s: squared_error(centres, weights, -end * s, end * s)))
        return -best, best
    for _ in range(2):
        high *= float(min(SHRINK, key=lambda s: squared_error(centres, weights, low, high * s)))
        low *= float(min(SHRINK, key=lambda s: squared_error(centres, weights, low * s, high)))
    return low, high


def squared_error(values: Array, weights: Array, low: float, high: float) -> float:
    """Of values coded with 8 bits over ``[low, high]``, clipped outside."""
    scale = (high - low) / STEPS
    if scale <= 0:
        return float((weights * values**2).sum())
    first = np.round(low / scale)
    coded = np.clip(np.round(values / scale), first, first + STEPS) * scale
    return float((weights * (coded - values) ** 2).sum())
