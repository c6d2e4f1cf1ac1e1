import re

from edgekit.reports.page.sustained import steady_state, sustained
from edgekit.types import SustainedPoint


def series(count=60, temperature=True):
    return tuple(
        SustainedPoint(
            t_s=10.0 * n,
            latency_ns=int(200e6 * (1 + min(n, 30) / 30)),
            temperature_c=50.0 + min(n, 30) if temperature else None,
            clock_mhz=1800.0 if n < 20 else 1000.0,
        )
        for n in range(count)
    )


def test_curves_are_drawn_for_the_readings_that_the_device_offers(make):
    assert sustained(make(sustained=series())).count("<svg class=") == 3
    assert sustained(make(sustained=series(temperature=False))).count("<svg class=") == 2


def test_nothing_is_drawn_without_a_series(make):
    assert sustained(make()) == ""
    assert sustained(make(sustained=())) == ""
    assert sustained(make(sustained=series(1))) == ""


def test_a_missing_reading_is_a_gap_not_a_zero(make):
    points = list(series(9))
    points[4] = points[4].model_copy(update={"temperature_c": None})
    drawn = sustained(make(sustained=tuple(points)))
    line = re.search(r'class="curve temperature" d="([^"]+)"', drawn)[1]
    assert line.count("M") == 2
    assert line.count("L") == 6


def test_long_runs_are_in_minutes(make):
    assert "minutes" in sustained(make(sustained=series()))
    assert "seconds" in sustained(make(sustained=series(6)))


def test_steady_state_against_the_first_window():
    assert steady_state(series()) == (
        "first window 200 ms, steady state (median of the last quarter) 400 ms: 2.00 times the first"
    )
