"""Rates, intervals and paired drops against published figures, other programs' formulas and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edgekit.verify.accuracy import hits_at, mcnemar, newcombe, paired_drop

COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("cells", "interval"),
    [  # both, first only, second only, neither: Newcombe 1998, table III, method 10
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        ((54, 0, 0, 0), (-0.0664, 0.0664)),
        ((0, 30, 20, 0), None),
    ],
)
def test_newcombe_as_published(cells, interval):
    low, high = newcombe(*cells)
    _, first, second, _ = cells
    difference = (first - second) / sum(cells)
    assert low <= difference <= high
    if interval is not None:
        assert (low, high) == (pytest.approx(interval[0], abs=6e-4), pytest.approx(interval[1], abs=6e-4))


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_newcombe_turns_with_the_sides(both, first, second, neither):
    if both + first + second + neither == 0:
        return
    low, high = newcombe(both, first, second, neither)
    assert -1 <= low <= (first - second) / (both + first + second + neither) <= high <= 1
    assert newcombe(both, second, first, neither) == (pytest.approx(-high), pytest.approx(-low))


def test_newcombe_covers_the_truth():
    """2000 experiments of 40 images: at least 93 % of the intervals hold the true drop."""
    rng = np.random.default_rng(0)
    cells = rng.multinomial(40, [0.7, 0.05, 0.1, 0.15], size=2000)
    inside = [low <= -0.05 <= high for low, high in (newcombe(*map(int, row)) for row in cells)]
    assert np.mean(inside) > 0.93


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 22 / 1024)])
def test_mcnemar(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p)
    assert mcnemar(second, first) == pytest.approx(p)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_hits_are_those_of_a_stable_sort(seed, k):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (6, 8)).astype(np.float32)  # many ties
    labels = rng.integers(0, 8, 6)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert hits_at(scores, labels, k).tolist() == [label in row for label, row in zip(labels, order, strict=True)]


def test_paired_drop():
    subject = np.array([1, 1, 1, 0, 0, 0, 0, 0, 1, 1], bool)
    reference = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 1], bool)
    found = paired_drop(subject, reference)
    assert (found.both, found.subject_only, found.reference_only, found.neither) == (4, 1, 3, 2)
    assert found.drop == pytest.approx(0.2)
    assert found.low < 0 < found.drop < found.high
    assert found.p_value == pytest.approx(binomtest(1, 4).pvalue)
    with pytest.raises(ValueError, match="no pairs"):
        paired_drop(subject, reference[:3])
