from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from edgekit.agent import sampling
from edgekit.base.stats import (
    drift,
    median_interval,
    median_ranks,
    median_ratio,
    percent,
    relative_half_width,
    rounded,
    tail_ratio,
    trimmed_ratio,
    wilson,
)

samples = st.lists(st.integers(1, 10**10), min_size=8, max_size=300)


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (26.981, 27.0, "26.98"),
        (26.9996, 27.0, "26.9996"),
        (26.96, 26.97, "26.96"),
        (26.2, 27.0, "26.2"),
        (27.0, 27.0, "27.0"),
        (27.04, 27.0, "27.04"),
        (-3.2, 60.0, "-3.2"),
    ],
)
def test_a_rounded_value_stays_on_its_side_of_the_bound(value: float, bound: float, text: str) -> None:
    assert rounded(value, bound, 1) == text


@given(st.floats(-200, 200), st.floats(-200, 200))
def test_any_value_does(value: float, bound: float) -> None:
    text = float(rounded(value, bound, 1))
    assert (text < bound, text > bound) == (value < bound, value > bound)


@pytest.mark.parametrize("count", [*range(8, 400), 1000, 1001, 5000, 20000])
def test_the_ranks_cover_the_median_at_least_95_percent_of_the_time(count: int) -> None:
    ranks = median_ranks(count)
    assert ranks is not None
    low, high = ranks
    assert 1 <= low < high <= count
    coverage = binom.cdf(high - 1, count, 0.5) - binom.cdf(low - 1, count, 0.5)
    assert coverage >= 0.95
    assert count < 30 or coverage <= 0.99  # and are not much wider than they must be


@pytest.mark.parametrize("count", range(8))
def test_few_samples_have_no_interval(count: int) -> None:
    assert median_ranks(count) is None
    assert median_interval([5] * count) is None
    assert relative_half_width([5] * count) is None
    assert sampling.relative_half_width([5] * count) is None
    assert tail_ratio([5] * count) is None


@given(samples)
def test_the_interval_holds_the_median(values: list[int]) -> None:
    interval = median_interval(values)
    assert interval is not None
    assert min(values) <= interval[0] <= statistics.median(values) <= interval[1] <= max(values)


@given(samples, st.randoms())
def test_the_interval_ignores_order(values: list[int], rng: random.Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    assert median_interval(shuffled) == median_interval(values)


@given(samples, st.integers(2, 1000))
def test_relative_figures_ignore_the_unit(values: list[int], factor: int) -> None:
    scaled = [v * factor for v in values]
    assert relative_half_width(scaled) == pytest.approx(relative_half_width(values))
    assert tail_ratio(scaled) == pytest.approx(tail_ratio(values))
    assert drift(scaled) == (None if drift(values) is None else pytest.approx(drift(values)))


@given(samples)
def test_the_agent_computes_the_same(values: list[int]) -> None:
    assert sampling.relative_half_width(values) == pytest.approx(relative_half_width(values))


def test_the_interval_covers_a_skewed_distributions_median() -> None:
    rng = random.Random(0)
    hits = 0
    for _ in range(600):
        low, high = median_interval([round(1e6 * rng.lognormvariate(0, 0.3)) for _ in range(60)]) or (0, 0)
        hits += low <= 1e6 <= high
    assert 0.93 <= hits / 600 <= 0.99


def test_drift_has_the_sign_of_the_change() -> None:
    assert drift([100] * 20 + [110] * 20) == pytest.approx(0.10)
    assert drift([110] * 20 + [99] * 21) == pytest.approx(-0.10)
    assert drift([100] * 40) == 0
    assert drift([100] * 15) is None


def test_two_modes_show_in_the_tail() -> None:
    assert tail_ratio([100] * 80 + [150] * 20) == pytest.approx(1.5)
    assert tail_ratio([100] * 100) == 1


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=40))
def test_a_trimmed_ratio_lies_within_its_interval_and_the_pairs(logs: list[float]) -> None:
    ratio, low, high = trimmed_ratio(logs)
    assert low <= ratio <= high
    assert math.exp(min(logs)) * (1 - 1e-9) <= ratio <= math.exp(max(logs)) * (1 + 1e-9)


def test_one_disturbed_pair_in_ten_does_not_move_a_trimmed_ratio() -> None:
    quiet = [math.log(1.1)] * 9
    ratio, low, high = trimmed_ratio([*quiet, math.log(30)])
    assert ratio == pytest.approx(1.1)
    assert (low, high) == pytest.approx((1.1, 1.1))


def test_four_pairs_give_no_interval() -> None:
    with pytest.raises(ValueError, match="4 pairs"):
        trimmed_ratio([0.0] * 4)


@pytest.mark.parametrize("count", [8, 20, 60, 200])
def test_the_interval_of_a_ratio_of_medians_covers_it_95_percent_of_the_time(count: int) -> None:
    generator = random.Random(count)
    rounds, hits = 600, 0
    for _ in range(rounds):
        base, other = (
            [int(1e7 * scale * math.exp(generator.gauss(0, 0.05)) + generator.expovariate(1e-5)) for _ in range(count)]
            for scale in (1.0, 1.0)
        )
        _, low, high = median_ratio(base, other)
        hits += low <= 1.0 <= high
    assert 0.92 <= hits / rounds <= 0.995


@given(samples, samples)
def test_the_ratio_of_medians_is_within_its_interval_and_turns_over(base: list[int], other: list[int]) -> None:
    ratio, low, high = median_ratio(base, other)
    assert low <= ratio <= high
    turned = median_ratio(other, base)
    assert turned == pytest.approx((1 / ratio, 1 / high, 1 / low))


def test_too_few_samples_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="1 samples give no interval"):
        median_ratio([5] * 8, [5])


@given(st.integers(1, 300), st.data())
def test_wilson_is_scipys(count, data):
    hits = data.draw(st.integers(0, count))
    found = wilson(hits, count)
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    assert (found.low, found.high) == (pytest.approx(interval.low, abs=1e-12), pytest.approx(interval.high, abs=1e-12))
    assert 0 <= found.low <= found.share <= found.high <= 1


@pytest.mark.parametrize(("hits", "count"), [(0, 0), (3, 2), (-1, 5)])
def test_no_rate(hits, count):
    with pytest.raises(ValueError, match="no rate"):
        wilson(hits, count)


@pytest.mark.parametrize(("ratio", "text"), [(1.05, "+5.0%"), (0.5, "-50.0%"), (1.0, "+0.0%")])
def test_a_ratio_as_a_change(ratio, text):
    assert percent(ratio) == text
