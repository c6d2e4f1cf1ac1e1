from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.figures import (
    REACH_FAMILIES,
    Line,
    Ratio,
    geometric_mean,
    missing_rows,
    reach,
    rows_of,
    slower_rows,
)

Make = Callable[..., dict[str, Any]]
FORMATS = ("onnx", "tflite", "openvino")


def lines(data: dict[str, Any]) -> dict[str, Line]:
    return {
        line.text: line for line in reach(rows_of(data), data["complete"], data["conversion"], data["real_weights"])
    }


def line(data: dict[str, Any], words: str) -> Line:
    return next(found for text, found in lines(data).items() if words in text)


def test_ratios_are_paired_within_rounds(results: Make) -> None:
    rows = {(row.family, row.format, row.precision): row for row in rows_of(results())}
    fast = rows["mobilenet_v3", "tflite", "int8"]
    assert fast.faster is not None
    assert fast.edgekit_int8 is not None
    # Rounds differ by 20 %, both sides alike: the ratio is exact, its interval closed.
    assert (fast.faster.value, fast.faster.rounds) == (pytest.approx(2.0), 6)
    assert fast.faster.high - fast.faster.low < 1e-6
    assert fast.edgekit_int8.value == pytest.approx(1.0)
    assert fast.plain_int8 is not None
    assert fast.plain_int8.value == pytest.approx(0.5)
    assert fast.edgekit.ms == pytest.approx(8.8)
    assert fast.edgekit.roofline is not None
    # 0.2 G MACs at 100 G/s = 2 ms of 8.8; 3 MB take longer than the MACs nowhere.
    assert fast.edgekit.roofline.compute_share == pytest.approx(2 / 8.8)


def test_the_faster_of_two_plain_exports_is_the_one_to_beat(results: Make) -> None:
    rows = {(row.family, row.format, row.precision): row for row in rows_of(results())}
    both = rows["mobilenet_v3", "onnx", "int8"]
    assert both.faster_than_default is not None
    assert both.faster_than_unsigned is not None
    assert both.faster_than_unsigned.value < both.faster_than_default.value
    assert both.faster == both.faster_than_unsigned
    only = rows["mobilenet_v3", "tflite", "int8"]
    assert only.faster == only.faster_than_default
    assert only.faster_than_unsigned is None


def test_slower_rows_are_all_named(results: Make) -> None:
    rows = rows_of(results())
    assert [row.label for row in slower_rows(rows)] == ["mobilenet_v3_1.0 ONNX Runtime fp32"]
    found = line(results(complete=True), "at most 1.03")
    assert found.met is False
    assert (
        found.figure == "1 of 6 above (1 with their whole interval), worst 1.250 (mobilenet_v3_1.0 ONNX Runtime fp32)"
    )


def test_a_part_meets_nothing_that_is_asked_of_all(results: Make) -> None:
    even = {("igcv3", "onnx"): dict.fromkeys(("plain-fp32", "edgekit-fp32", "plain-int8", "edgekit-int8"), 5.0)}
    assert line(results(even), "at most 1.03").met is None
    assert line(results(even, complete=True), "at most 1.03").met is True
    assert line(results(even), "int8 at least 0.97").met is None
    assert line(results(even), "geometric mean").met is None


def test_a_failed_artifact_leaves_a_row_without_a_figure(results: Make) -> None:
    data = results({("igcv3", "onnx"): {"plain-fp32": 5.0, "edgekit-fp32": 5.0, "plain-int8": 5.0}}, complete=True)
    (row,) = missing_rows(rows_of(data))
    assert (row.precision, row.edgekit.ms) == ("int8", None)
    assert "SIGABRT" in row.edgekit.error
    found = line(data, "at most 1.03")
    assert (found.met, found.figure.split("; ")[1]) == (None, "1 without a figure")


def test_too_few_rounds_are_no_figure(results: Make) -> None:
    data = results()
    data["rounds"] = [entry for index, entry in enumerate(data["rounds"]) if index % 6 < 4]
    assert all(row.faster is None for row in rows_of(data))
    assert line(data, "at most 1.03").met is None


@pytest.mark.parametrize(("speedup", "met"), [(1.2, True), (1.05, False)])
def test_the_means_take_five_networks_on_three_runtimes(results: Make, speedup: float, met: bool) -> None:
    medians = {"plain-fp32": 5.0 * speedup, "edgekit-fp32": 5.0, "plain-int8": 7.0, "edgekit-int8": 5.0}
    everything = {(family, format_): medians for family in REACH_FAMILIES for format_ in FORMATS}
    found = line(results(everything), "three runtimes, fp32")
    assert (found.met, found.figure) == (met, f"{speedup:.3f}")
    del everything["igcv3", "tflite"]
    assert line(results(everything), "three runtimes, fp32").met is None


def test_single_goals(results: Make) -> None:
    assert line(results(), "mobilenet_v3 LiteRT int8").met is True
    best = line(results(), "condensenet fp32")
    assert (best.met, best.figure) == (True, "1.500 (LiteRT)")
    slow = line(results(), "int8 at least 0.97")
    assert slow.met is False
    assert slow.figure == "1 of 2 below, worst 0.500 (condensenet_1.0 LiteRT int8); 1 came out as float32"
    cost = line(results(), "CPU seconds")
    assert (cost.met, cost.figure) == (True, "9.0 s against 21.0 s: 0.43 (median of 3)")


@pytest.mark.parametrize(
    ("change", "met", "kept"),
    [
        ({}, True, "2 of 2: 19 to 19 of 20 photos, 18.0 to 23.0 dB"),
        ({"sqnr_db": 16.9}, False, "1 of 2: 19 to 19 of 20 photos, 16.9 to 23.0 dB"),  # plain has 14
        ({"sqnr_db": 20.1, "agree": 18}, False, "1 of 2: 18 to 19 of 20 photos, 20.1 to 23.0 dB"),
        ({"error": "it crashed"}, False, "1 of 2: 19 to 19 of 20 photos, 23.0 to 23.0 dB"),
    ],
)
def test_trained_networks_keep_their_answers(results: Make, change: dict[str, Any], met: bool, kept: str) -> None:
    data = results()
    data["real_weights"]["rows"][0]["edgekit"] |= change
    found = line(data, "real weights")
    assert (found.met, found.figure) == (met, kept)


def test_without_trained_weights_their_line_is_open(results: Make) -> None:
    assert line(results() | {"real_weights": None}, "real weights").met is None


def test_a_plain_export_that_fails_leaves_the_decibels(results: Make) -> None:
    data = results()
    data["real_weights"]["rows"][0]["plain"] = {"error": "it crashed"}
    assert line(data, "real weights").met is False
    data["real_weights"]["rows"][0]["edgekit"]["sqnr_db"] = 20.5
    assert line(data, "real weights").met is True


def test_a_mean_that_lacks_a_ratio_is_none() -> None:
    two, eight = Ratio(2.0, 1.9, 2.1, 5), Ratio(8.0, 7.9, 8.1, 5)
    assert geometric_mean([two, eight]) == pytest.approx(4.0)
    assert geometric_mean([two, None]) is None
    assert geometric_mean([]) is None
