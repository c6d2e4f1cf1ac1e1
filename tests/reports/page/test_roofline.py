import re

import pytest

from edgekit.reports.page.roofline import beyond, roofline_plot, standing
from edgekit.reports.summary import summarise
from edgekit.types import Bandwidth, Ceilings, Roofline

LIMITS = Ceilings(
    threads=1,
    macs_per_s={"fp32": 5e10, "int8": 2e11},
    sources={"fp32": "measured", "int8": "nominal"},
    bandwidth=(
        Bandwidth(footprint_bytes=1 << 18, bytes_per_s=9e10),
        Bandwidth(footprint_bytes=1 << 28, bytes_per_s=1e10),
    ),
)


@pytest.fixture
def placed(make):
    def build(**changes):
        measurement = make(**changes)
        found = Roofline(
            precision=measurement.precision,
            macs=200_000_000,
            bytes_moved=20_000_000,
            compute_ns=1e6,
            bound_ns=2e6,
            memory_share=0.25,
            latency_ns=measurement.p50_ms * 1e6,
        )
        return measurement.model_copy(update={"roofline": found, "ceilings": LIMITS})

    return build


def test_a_point_stands_at_its_intensity_and_rate(placed):
    row = summarise([placed(samples_ns=(4_000_000,) * 60)], {})[0].rows[0]
    assert standing(row) == (10.0, 50.0)
    drawn = roofline_plot([row])
    assert "50 GMAC/s, 50% of its bound" in drawn
    assert "int8 peak 200 GMAC/s" in drawn
    assert "fp32 peak" not in drawn
    assert drawn.count('<a href="#m') == 1


def test_each_precision_measured_has_its_roof(placed):
    rows = summarise([placed(), placed(precision="fp32")], {})[0].rows
    assert roofline_plot(rows).count('class="roof"') == 2


def test_nothing_is_drawn_without_a_roofline(make):
    assert roofline_plot(summarise([make()], {})[0].rows) == ""


@pytest.mark.parametrize("p50", [0.01, 7.0, 9000.0])
def test_everything_stays_in_the_frame(placed, p50):
    drawn = roofline_plot(summarise([placed(p50_ms=p50)], {})[0].rows)
    assert "nan" not in drawn
    assert all(0 <= float(x) <= 1000 for x in re.findall(r"[MLH]([\d.]+)", drawn))


def test_both_axes_are_logarithmic_and_what_is_above_the_bound_is_found(placed):
    rows = summarise([placed(samples_ns=(ms * 1_000_000,) * 60) for ms in (1, 4)], {})[0].rows
    assert roofline_plot(rows).count("(logarithmic)") == 2
    assert [row.measurement.p50_ms for row in beyond(rows)] == [1.0]
