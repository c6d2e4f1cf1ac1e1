"""The answer in three lines: what is fastest, what int8 brings, what is not to be trusted."""

from edgekit.reports.brief.headline import headline
from edgekit.reports.brief.limits import Kept
from edgekit.reports.summary import summarise
from edgekit.types import Verdict

NOISY = Verdict(name="noisy", reasons=("p90 is 1.40 times the median",))


def lines_of(measurements, kept=None):
    group = summarise(measurements, {})[0]
    found = headline(group) if kept is None else headline(group, kept)
    return {line.label: (line.text, [row.number for row in line.rows], line.warns) for line in found}


def steady(make, ms, **changes):
    return make(samples_ns=(round(ms * 1e6),) * 60, **changes)


def test_the_fastest_stable_one_is_named_and_a_noisy_one_before_it_is_said(make):
    found = lines_of([steady(make, 3, verdict=NOISY), steady(make, 4, format_="onnx"), steady(make, 5, threads=4)])
    text, rows, warns = found["fastest"]
    assert text == "mobilenet_v3_large_1.0 onnx-int8: 4.00 ms (4.00-4.00); 1 with a lower median is noisy"
    assert (rows, warns) == ([2, 1], False)
    assert found["not to be trusted"] == ("1 of 3 medians: 1 noisy", [1], True)


def test_where_none_is_stable_the_fastest_is_named_with_its_verdict(make):
    text, rows, warns = lines_of([steady(make, 3, verdict=NOISY), steady(make, 4, verdict=NOISY)])["fastest"]
    assert text.endswith("which is noisy: none of them is stable")
    assert (rows, warns) == ([1], True)


def test_of_one_alone_nothing_is_counted(make):
    found = lines_of([steady(make, 3, verdict=NOISY)])
    assert found["fastest"][0].endswith("3.00 ms (3.00-3.00), which is noisy")
    assert found["not to be trusted"][0] == "the median is noisy"


def test_limits_choose_among_those_that_keep_them(make):
    ms = [steady(make, 3), steady(make, 4)]
    found = lines_of(ms, Kept("10 MB", {1: ("12 MB, over 10",), 2: ()}))
    assert found["fastest that keeps 10 MB"][1] == [2]
    text, rows, warns = lines_of(ms, Kept("10 MB", {1: ("12 MB, over 10",), 2: ("x", "y")}))["fastest that keeps 10 MB"]
    assert text.startswith("none of 2; the nearest is")
    assert text.endswith("12 MB, over 10")
    assert (rows, warns) == ([1], True)


def test_what_int8_brings_and_where_it_is_slower(make):
    found = lines_of(
        [
            steady(make, 4, precision="fp32"),
            steady(make, 2),
            steady(make, 4, precision="fp32", format_="onnx"),
            steady(make, 8, format_="onnx"),
        ]
    )
    text, rows, _ = found["int8 against float32"]
    assert text == "0.50x to 2.00x as fast, median 1.25x; of 2 pairs 1 faster, 1 slower; slower:"
    assert rows == [4]
    assert found["to be trusted"][0] == "all 4 medians are stable, and the outputs were compared at export"


def test_unverified_outputs_and_two_machines_are_not_trusted(make):
    other = steady(make, 5, parity_cosine=None)
    other = other.model_copy(update={"info": other.info.model_copy(update={"cpu": "another"})})
    text, rows, _ = lines_of([steady(make, 4), other])["not to be trusted"]
    assert "1 unverified" in text
    assert "2 machines under one name" in text
    assert rows == [2]


def test_an_emulated_device_has_no_fastest(make):
    assert list(lines_of([make(emulated=True)])) == ["emulated"]
