import re

import pytest

from edgekit.reports.page.lanes import DOTS, cumulative, distributions, lane, sequence
from edgekit.reports.summary import summarise


def coordinates(drawn):
    return [float(x) for x in re.findall(r"[MH]([-\d.]+)", drawn)]


@pytest.mark.parametrize("p50", [1e-4, 0.3, 7.0, 12_345.0])
def test_plots_of_one_measurement_stay_in_the_frame(make, p50):
    measurement = make(p50_ms=p50)
    rows = summarise([measurement], {})[0].rows
    drawn = distributions(rows).lanes[0].plot + sequence(measurement) + cumulative(measurement)
    assert "nan" not in drawn
    assert all(0 <= x <= 1000 for x in coordinates(drawn))


@pytest.mark.parametrize("samples", [(5_000_000,) * 60, (5_000_000,), (0,) * 9, (1, 10**12)])
def test_odd_samples_are_drawn(make, samples):
    measurement = make(samples_ns=samples)
    rows = summarise([measurement], {})[0].rows
    assert "nan" not in distributions(rows).lanes[0].plot + sequence(measurement) + cumulative(measurement)


def test_a_bounded_number_of_samples_is_drawn_whatever_their_count(make):
    measurement = make(samples_ns=tuple(range(1_000_000, 1_050_000)))
    rows = summarise([measurement], {})[0].rows
    assert DOTS / 2 < distributions(rows).lanes[0].plot.count("h0") <= DOTS
    assert 200 < sequence(measurement).count("h0") + sequence(measurement).count("v6") <= 400
    assert len(cumulative(measurement)) < 8000


def test_the_curve_rises_to_all_inferences(make):
    heights = [float(y) for y in re.findall(r"V([\d.]+)", re.search(r'"curve" d="([^"]+)"', cumulative(make()))[1])]
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == 0


def test_samples_beyond_the_axis_are_counted_not_dropped(make):
    slow = make(samples_ns=(5_000_000,) * 400 + (900_000_000,) * 2)
    assert "2 slower" in distributions(summarise([slow], {})[0].rows).lanes[0].note


def test_the_figures_say_interval_percentiles_and_count(make):
    found = distributions(summarise([make(samples_ns=tuple(range(1_000_000, 1_000_100)))], {})[0].rows).lanes[0]
    assert (found.median, found.interval) == ("1.00 ms", "1.00-1.00")
    assert found.note == "p90 1.00, p99 1.00, n 100"


def test_drift_is_a_slope(make):
    axis_rows = summarise([make(samples_ns=tuple(1_000_000 + 1000 * n for n in range(100)))], {})[0].rows
    dots = re.findall(r"M([\d.]+) ([\d.]+)h0", distributions(axis_rows).lanes[0].plot)
    assert [float(y) for _, y in dots] == sorted(float(y) for _, y in dots)
    assert [float(x) for x, _ in dots] == sorted(float(x) for x, _ in dots)


def test_a_lane_says_its_range(make):
    measurement = make(samples_ns=(1_000_000, 2_000_000, 4_000_000))
    from edgekit.reports.page.axis import Axis

    assert "3 samples from 1.00 to 4.00 ms" in lane(measurement, Axis(0, 5))
