"""The bars that the page begins with."""

import re

from edgekit.reports.page.bars import latency_bars
from edgekit.reports.summary import summarise
from edgekit.types import Verdict


def bars_of(measurements, first=24):
    return latency_bars(summarise(measurements, {})[0].rows, first)


def width(bar):
    return float(re.search(r'<rect class="bar[^"]*" x="0.00%" width="([\d.]+)%"', bar.plot)[1])


def test_bars_are_sorted_begin_at_zero_and_are_as_long_as_the_medians(make):
    found = bars_of([make(samples_ns=(n * 1_000_000,) * 60) for n in (8, 2, 4)])
    assert [bar.median for bar in found.first] == ["2.00 ms", "4.00 ms", "8.00 ms"]
    assert found.others == ()
    short, middle, long = map(width, found.first)
    assert abs(middle / short - 2) < 0.01
    assert abs(long / short - 4) < 0.01


def test_a_median_in_doubt_is_dashed_and_the_interval_is_drawn(make):
    (bar,) = bars_of([make(verdict=Verdict(name="noisy", reasons=("x",)))]).first
    assert 'class="bar doubt"' in bar.plot
    assert 'class="whisker"' in bar.plot
    (bar,) = bars_of([make(samples_ns=(1_000_000,) * 3)]).first
    assert 'class="whisker"' not in bar.plot
    assert bar.interval == "-"


def test_the_slow_ones_are_folded_away_with_an_axis_of_their_own(make):
    found = bars_of([make(samples_ns=(n * 1_000_000,) * 60) for n in range(1, 8)], first=3)
    assert (len(found.first), len(found.others)) == (3, 4)
    assert width(found.first[-1]) > 90
    assert width(found.others[-1]) > 90
