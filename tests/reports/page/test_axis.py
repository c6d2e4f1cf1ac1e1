import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.reports.page.axis import LOG_FROM, Axis, axis_of, nice_step, round_axis

latencies = st.lists(st.floats(1e-4, 1e6), min_size=1, max_size=20)


@given(latencies, st.booleans())
def test_an_axis_holds_its_values_in_order(values, from_zero):
    axis = axis_of(values, from_zero=from_zero)
    shares = [axis.share(value) for value in sorted(values)]
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares)
    assert axis.low < axis.high


@given(latencies)
def test_ticks_lie_on_the_axis_and_are_few(values):
    axis = axis_of(values)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(axis.low - 1e-9 * axis.high <= tick <= axis.high * (1 + 1e-9) for tick in ticks)


def test_ticks_are_round():
    assert Axis(0, 11.4).ticks() == [0, 2, 4, 6, 8, 10]
    assert Axis(0.9, 60, log=True).ticks() == [1, 2, 5, 10, 20, 50]
    assert Axis(0.9, 60_000, log=True).ticks() == [1, 10, 100, 1000, 10_000]


def test_wide_ranges_are_logarithmic():
    assert not axis_of([1, LOG_FROM]).log
    assert axis_of([1, LOG_FROM + 1]).log
    assert not axis_of([0, 100]).log
    assert axis_of([3, 4], from_zero=True).low == 0


def test_values_beyond_stand_at_the_ends():
    assert Axis(1, 10, log=True).share(0) == 0
    assert Axis(1, 10).share(1e9) == 1


@pytest.mark.parametrize(("rough", "step"), [(0.011, 0.02), (1, 1), (2.1, 5), (5.1, 10), (70, 100)])
def test_steps(rough, step):
    assert math.isclose(nice_step(rough), step)


@pytest.mark.parametrize(("low", "high"), [(0.31, 2.2), (5.0, 5.0), (0.0, 0.0), (64.1, 91.7), (25.0, 100.0)])
def test_a_round_axis_holds_the_values_and_ends_at_ticks(low, high):
    axis, steps = round_axis([high, low])
    assert axis.low <= low <= high <= axis.high
    assert 1 <= steps <= 6
    ticks = axis.ticks(steps)
    assert len(ticks) == steps + 1
    assert (ticks[0], ticks[-1]) == (pytest.approx(axis.low), pytest.approx(axis.high))
