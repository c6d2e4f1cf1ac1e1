"""Intervals of medians from raw samples, without assuming any distribution of latencies; and rates with intervals.

Samples are nanoseconds in the order in which they were taken.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ..types import Measurement, Rate, Summary

CONFIDENCE = 0.95
Z = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""
SMALLEST = 8
"""Fewer samples than this have no 95 % interval by :func:`median_ranks`."""
MIN_PAIRS = 5
"""Fewer pairs leave too little after trimming."""


def rounded(value: float, bound: float, digits: int) -> str:
    """``value`` with ``digits`` decimals, or as many more as it takes to stay on its side of ``bound``.

    "27.0 dB is below 27 dB" explains nothing.
    """
    for more in range(digits, 16):
        text = f"{value:.{more}f}"
        if (float(text) < bound, float(text) > bound) == (value < bound, value > bound):
            return text
    return repr(value)


def percent(ratio: float) -> str:
    """A ratio as a signed change: ``+5.0%`` for 1.05."""
    return f"{ratio - 1:+.1%}"


def wilson(hits: int, count: int) -> Rate:
    """A share with its 95 % score interval (Wilson 1927): right for small counts, and at 0 and 1.

    Raises:
        ValueError: nothing was counted, or more hits than that.
    """
    if count < 1 or not 0 <= hits <= count:
        raise ValueError(f"{hits} hits of {count} are no rate")
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count)) / (1 + Z * Z / count)
    # At the ends rounding would leave the bound a hair beside the share.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == count else min(1.0, middle + half)
    return Rate(hits=hits, count=count, low=low, high=high)


def median_ranks(count: int) -> tuple[int, int] | None:
    """Which order statistics (from 1) enclose the population's median with 95 % confidence; None below 8 samples.

    The number of samples below the median is Binomial(count, 1/2); the ranks are its normal approximation rounded
    outwards, which the tests check against the exact coverage. The agent computes the same.
    """
    low = math.floor((count - 1.96 * math.sqrt(count)) / 2)
    high = math.ceil(1 + (count + 1.96 * math.sqrt(count)) / 2)
    return (low, high) if low >= 1 and high <= count else None


def median_interval(samples: Sequence[int]) -> tuple[int, int] | None:
    """The 95 % interval of the median, nanoseconds, or None below 8 samples.

    It takes samples as independent; :func:`drift` is what shows that they are not.
    """
    ranks = median_ranks(len(samples))
    if ranks is None:
        return None
    ordered = sorted(samples)
    return ordered[ranks[0] - 1], ordered[ranks[1] - 1]


def p50_interval(m: Measurement | Summary) -> tuple[int, int] | None:
    """The 95 % interval of a measurement's median, nanoseconds, or None below 8 samples."""
    return m.p50_interval_ns if isinstance(m, Summary) else median_interval(m.samples_ns)


def relative_half_width(samples: Sequence[int]) -> float | None:
    """Half of the median's interval over the median, or None below 8 samples."""
    interval = median_interval(samples)
    if interval is None:
        return None
    return (interval[1] - interval[0]) / 2 / statistics.median(samples)


def drift(samples: Sequence[int]) -> float | None:
    """Median of the second half over that of the first, minus 1; None when a half has fewer than 8 samples."""
    middle = len(samples) // 2
    if middle < SMALLEST:
        return None
    return statistics.median(samples[-middle:]) / statistics.median(samples[:middle]) - 1


def tail_ratio(samples: Sequence[int]) -> float | None:
    """The 90th percentile over the median: 1.0 for a quiet machine, high for two modes or a busy one."""
    if len(samples) < SMALLEST:
        return None
    return statistics.quantiles(samples, n=10, method="inclusive")[-1] / statistics.median(samples)


def trimmed_mean(logs: Sequence[float]) -> tuple[float, float, int]:
    """The 20 %-trimmed mean, its standard error from the winsorized values, and the degrees of freedom (Yuen 1974).

    Pairs in which one side met a busy machine fall to the trimming.

    Raises:
        ValueError: fewer than five values.
    """
    count = len(logs)
    if count < MIN_PAIRS:
        raise ValueError(f"{count} pairs give no interval; take at least {MIN_PAIRS}")
    ordered = sorted(logs)
    cut = count // 5
    kept = count - 2 * cut
    winsorized = [min(max(x, ordered[cut]), ordered[count - 1 - cut]) for x in ordered]
    mean = statistics.fmean(ordered[cut : count - cut])
    error = math.sqrt((count - 1) * statistics.variance(winsorized) / (kept * (kept - 1)))
    return mean, error, kept - 1


def trimmed_ratio(logs: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Ratio, low, high of paired log ratios: the 20 %-trimmed mean with Yuen's interval.

    Raises:
        ValueError: fewer than five pairs.
    """
    from scipy.special import stdtrit  # scipy.stats takes half a second more to import

    mean, error, freedom = trimmed_mean(logs)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def median_ratio(base: Sequence[int], other: Sequence[int], confidence: float = 0.95) -> tuple[float, float, float]:
    """Ratio, low, high of the median of ``other`` over that of ``base``, of independent samples.

    Price and Bonett 2002, distribution-free; it knows only the samples: what differs between two launches is not in it.

    Raises:
        ValueError: fewer than eight samples on a side.
    """
    spread = math.sqrt(log_median_variance(base) + log_median_variance(other))
    half = statistics.NormalDist().inv_cdf((1 + confidence) / 2) * spread
    ratio = statistics.median(other) / statistics.median(base)
    return ratio, ratio * math.exp(-half), ratio * math.exp(half)


def log_median_variance(samples: Sequence[int]) -> float:
    """Variance of the logarithm of the median, from two order statistics and the exact chance that they enclose it."""
    count = len(samples)
    if count < SMALLEST:
        raise ValueError(f"{count} samples give no interval; take at least {SMALLEST}")
    rank = max(1, round((count + 1) / 2 - math.sqrt(count)))
    all_ways = math.lgamma(count + 1) - count * math.log(2)
    below = sum(math.exp(all_ways - math.lgamma(i + 1) - math.lgamma(count - i + 1)) for i in range(rank))
    ordered = sorted(samples)
    width = math.log(ordered[count - rank]) - math.log(ordered[rank - 1])
    return (width / 2 / statistics.NormalDist().inv_cdf(1 - below)) ** 2
