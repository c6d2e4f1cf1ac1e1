import random

import pytest

from edgekit.reports.page.speedup import speedup_axis, speedup_bar, speedups
from edgekit.reports.summary import summarise
from edgekit.types import Verdict


def rows_of(*measurements):
    return summarise(measurements, {})[0].rows


def test_the_ratio_is_float_over_int8(make):
    (found,) = speedups(
        rows_of(make(precision="fp32", samples_ns=(9_000_000,) * 60), make(samples_ns=(3_000_000,) * 60))
    )
    assert found.ratio == pytest.approx(3)
    assert found.words == "3.00x (3.00-3.00) faster"
    assert found.float_row.measurement.precision == "fp32"


@pytest.mark.parametrize(
    "change", [{"threads": 2}, {"runtime": "onnxruntime"}, {"model": "other"}, {"accelerator": "gpu"}]
)
def test_only_like_is_compared_with_like(make, change):
    assert speedups(rows_of(make(precision="fp32").model_copy(update=change), make())) == []


def test_the_fastest_float_is_the_opponent(make):
    slow = make(precision="fp32", p50_ms=20.0, profile="a")
    fast = make(precision="fp32", p50_ms=10.0, profile="b")
    (found,) = speedups(rows_of(slow, fast, make(p50_ms=5.0)))
    assert found.float_row.measurement.profile == "b"


def test_overlapping_medians_are_undecided_and_few_samples_too(make):
    noisy = tuple(int(7e6 * (1 + random.Random(n).gauss(0, 0.2))) for n in range(60))
    (found,) = speedups(rows_of(make(precision="fp32", samples_ns=noisy), make(samples_ns=noisy)))
    assert found.low < 1 < found.high
    assert found.verdict == "undecided"
    (few,) = speedups(rows_of(make(precision="fp32", samples_ns=(9,) * 3), make(samples_ns=(3,) * 3)))
    assert (few.low, few.verdict) == (None, "undecided")


def test_the_interval_covers_the_true_ratio():
    """95 % of the intervals of pairs of log-normal samples hold the ratio of the true medians."""
    from edgekit.reports.page.speedup import compare
    from edgekit.reports.summary import Row

    class Fake:
        def __init__(self, samples):
            self.samples_ns = samples
            self.p50_ms = sorted(samples)[len(samples) // 2] / 1e6

    generator, held, rounds = random.Random(7), 0, 400
    for _ in range(rounds):
        ours, theirs = (
            Fake(tuple(int(scale * generator.lognormvariate(0, 0.1)) for _ in range(61))) for scale in (3e6, 6e6)
        )
        found = compare(Row(1, ours, None, "", ()), Row(2, theirs, None, "", ()))
        held += found.low <= 2 <= found.high
    assert held / rounds > 0.93


def test_slower_and_doubtful_bars_look_different(make):
    rows = rows_of(
        make(precision="fp32", p50_ms=3.0),
        make(p50_ms=9.0, verdict=Verdict(name="noisy", reasons=("x",))),
    )
    (found,) = speedups(rows)
    drawn = speedup_bar(found, speedup_axis([found]))
    assert 'class="bar slower doubt"' in drawn
    assert "in doubt than" not in drawn
    assert found.verdict == "in doubt"
    (sure,) = speedups(rows_of(make(precision="fp32", p50_ms=3.0), make(p50_ms=9.0)))
    assert 'class="bar slower"' in speedup_bar(sure, speedup_axis([sure]))
    assert sure.words.endswith(" slower")
