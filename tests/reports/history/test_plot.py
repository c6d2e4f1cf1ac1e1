"""The trend over time."""

import re

import pytest

from edgekit.reports.history.plot import trend_plot
from edgekit.reports.history.trend import series_of
from edgekit.reports.indexed.summaries import summarised


@pytest.fixture
def shown(make):
    """The places of the points that were measured at the given times."""

    def draw(*times):
        points = [make(samples_ns=((50 + n) * 100_000,) * 60, measured_at=time) for n, time in enumerate(times)]
        (series,) = series_of(map(summarised, points))
        plot = trend_plot(series)
        return [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', plot)], plot

    return draw


def test_points_stand_at_their_times(shown):
    places, plot = shown("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", "2030-01-11T00:00:00Z")
    first, second = places[1] - places[0], places[2] - places[1]
    assert abs(second / first - 9) < 0.1
    assert re.findall(r">(2030-01-\d\d)<", plot)[0] == "2030-01-01"
    assert re.findall(r">(2030-01-\d\d)<", plot)[-1] == "2030-01-11"


def test_within_a_day_the_axis_tells_hours(shown):
    _, plot = shown("2030-01-01T08:00:00Z", "2030-01-01T16:00:00Z")
    assert ">01-01 08:00<" in plot
    assert ">01-01 16:00<" in plot


def test_several_of_one_moment_stay_in_the_frame(shown):
    places, plot = shown(*["2030-01-01T00:00:00Z"] * 2)
    assert "nan" not in plot
    assert all(0 <= x <= 760 for x in places)
