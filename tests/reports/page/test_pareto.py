import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.catalog import cards
from edgekit.reports.page.pareto import best, front, pareto
from edgekit.reports.summary import summarise
from edgekit.types import Verdict


def rows_of(measurements, known=None):
    return summarise(measurements, cards() if known is None else known)[0].rows


def test_nothing_on_the_front_is_beaten_and_nothing_off_it_is_unbeaten(make):
    template = rows_of([make()], {})[0]

    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.integers(1, 40), st.integers(1, 9), min_size=1, max_size=15))
    def check(points):
        given_points = [
            (type(template)(n, make(samples_ns=(ms * 1_000_000,) * 9), None, "", ()), float(value))
            for n, (ms, value) in enumerate(points.items())
        ]
        kept = {row.number for row, _ in front(given_points, lambda a, b: a > b)}
        for (row, value), (other, better) in itertools.permutations(given_points, 2):
            if other.measurement.p50_ms < row.measurement.p50_ms and better >= value:
                assert row.number not in kept
        for row, value in given_points:
            beaten = any(
                o.measurement.p50_ms < row.measurement.p50_ms and v >= value for o, v in given_points if o is not row
            )
            assert beaten != (row.number in kept)

    check()


def test_a_throttled_measurement_is_drawn_but_not_on_the_front(make):
    held_back = make(p50_ms=1.0, verdict=Verdict(name="throttled", reasons=("hot",)))
    rows = rows_of([held_back, make(format_="onnx", p50_ms=5.0)])
    kept = best([(row, row.measurement.artifact_bytes / 1e6) for row in rows], "size")
    assert [row.measurement.p50_ms > 4 for row, _ in kept] == [True]
    assert pareto(rows, "size").count('class="mark') == 2


def test_networks_without_a_published_figure_are_left_out(several):
    rows = rows_of(several)
    assert pareto(rows, "size").count('<a href="#m') == 4
    assert pareto(rows, "accuracy").count('<a href="#m') == 3
    assert "not measured" in pareto(rows, "accuracy")
    assert pareto(rows_of(several, {}), "accuracy") == ""


def test_what_int8_would_reach_is_a_line_of_its_own(make):
    both = rows_of([make(precision="fp32", p50_ms=9.0), make(p50_ms=3.0)])
    drawn = pareto(both, "accuracy")
    assert drawn.count('class="front hoped"') == 1
    assert drawn.count(" hollow") == 1
    assert 'class="front hoped"' not in pareto(both, "size")
    assert "hoped" not in pareto(rows_of([make(precision="fp32")]), "accuracy")


def test_everything_stays_in_the_frame(make):
    for p50 in (1e-4, 0.3, 7.0, 12_345.0):
        drawn = pareto(rows_of([make(p50_ms=p50)]), "accuracy")
        assert "nan" not in drawn
        assert all(0 <= float(share) <= 100 for share in re.findall(r'x="([-\d.]+)%"', drawn))


def test_the_area_of_a_mark_follows_the_size(make):
    rows = rows_of(
        [make(precision="fp32", artifact_bytes=n * 1_000_000, format_=f) for n, f in ((16, "onnx"), (4, "tflite"))]
    )
    big, small = sorted((float(r) for r in re.findall(r'<circle r="([\d.]+)"', pareto(rows, "accuracy"))), reverse=True)
    assert big == 2 * small


def test_sixty_marks_keep_their_labels_apart(make):
    many = [make(f"net_{n}", ("onnx", "tflite", "openvino")[n % 3], p50_ms=1 + n * 0.05) for n in range(60)]
    drawn = pareto(rows_of(many, {}), "size")
    assert drawn.count('<a href="#m') == 60
    assert 0 < drawn.count('class="label"') < 120
