"""Accuracy of class scores: rates with intervals, and the paired comparison of two networks on the same images.

Pure arithmetic on arrays: scores are ``(N, classes)``, labels ``(N,)``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..base.stats import wilson
from ..types import PairedDrop

Scores = NDArray[np.float32]
Labels = NDArray[np.int64]


def hits_at(scores: Scores, labels: Labels, k: int) -> NDArray[np.bool_]:
    """For each image whether its label is among the ``k`` best scores; of equal scores the lower class comes first."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    earlier = np.arange(scores.shape[1])[None] < labels[:, None]
    ahead = (scores > own) | ((scores == own) & earlier)
    found: NDArray[np.bool_] = ahead.sum(1) < k
    return found


def paired_drop(subject_right: NDArray[np.bool_], reference_right: NDArray[np.bool_]) -> PairedDrop:
    """Top-1 lost by the subject against the reference on the same images.

    Raises:
        ValueError: no images, or two counts.
    """
    if len(subject_right) == 0 or subject_right.shape != reference_right.shape:
        raise ValueError(f"{len(subject_right)} and {len(reference_right)} images are no pairs")
    both = int((subject_right & reference_right).sum())
    subject_only = int((subject_right & ~reference_right).sum())
    reference_only = int((~subject_right & reference_right).sum())
    neither = len(subject_right) - both - subject_only - reference_only
    low, high = newcombe(both, reference_only, subject_only, neither)
    return PairedDrop(
        both=both,
        subject_only=subject_only,
        reference_only=reference_only,
        neither=neither,
        low=low,
        high=high,
        p_value=mcnemar(subject_only, reference_only),
    )


def newcombe(both: int, first_only: int, second_only: int, neither: int) -> tuple[float, float]:
    """95 % interval of the first share minus the second, paired (Newcombe 1998, Statistics in Medicine 17, method 10).

    Two Wilson intervals, joined by the correlation of the pairs.
    """
    count = both + first_only + second_only + neither
    first, second = wilson(both + first_only, count), wilson(both + second_only, count)
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    cross = both * neither - first_only * second_only
    if cross > 0:
        cross = max(cross - count / 2, 0)  # type: ignore[assignment]
    phi = cross / math.sqrt(margins) if margins else 0.0
    difference = first.share - second.share

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))

    low = difference - reach(first.share - first.low, second.high - second.share)
    high = difference + reach(second.share - second.low, first.high - first.share)
    return max(-1.0, low), min(1.0, high)


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p-value that the pairs in which one alone is right fall to either side equally often."""
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return 1.0 if discordant == 0 else float(binomtest(first_only, discordant).pvalue)
