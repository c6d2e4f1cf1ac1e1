"""The page about the native tools, and the loops that tell the agent's part from the runtime's."""

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.agent_overhead import compared, interval, measure, summary, verdict
from benchmarks.empty_graphs import empty_graphs
from benchmarks.native_page import agreement, page

LIMIT_NS = 20_000


def rounds(case: str, *ratios: float, load: float = 0.5) -> list[dict[str, Any]]:
    return [
        {"case": case, "model": "tiny/openvino-fp32", "native_ms": 10.0, "edgekit_ms": 10.0 * ratio, "load_1m": load,
         "threads": 2, "precision": "f32", "settings": {}}
        for ratio in ratios
    ]  # fmt: skip


def results(taken: list[dict[str, Any]]) -> dict[str, Any]:
    seen = {"date": "2026-01-01", "commit": "abc", "target": "x86-vnni", "cpu": "A CPU", "cores": 2, "isa": [],
            "system": "Linux", "python": "3.11", "versions": {"openvino": "1"}, "governor": None, "load_before": 0.1,
            "seconds": 2.0}  # fmt: skip
    figures = {"blocks": 9, "calls": 9, "bare_us": 1.0, "samples_us": 2.0, "in_sample_us": (1.0, 0.5, 1.5)}
    overhead = {
        "nothing": {**figures, "added_us": (0.2, 0.1, 0.3)},
        "openvino": {**figures, "added_us": (19.0, 18.0, 21.0), "native_us": 0.5},
        "litert": {**figures, "added_us": (30.0, 29.0, 31.0)},
    }
    return {"conditions": seen, "rounds": taken, "overhead": overhead, "minutes": 4.0}


def test_only_a_whole_interval_decides():
    taken = [
        *rounds("near", 1.01, 0.99, 1.02, 1.0, 0.98),
        *rounds("far", 1.31, 1.29, 1.32, 1.3, 1.28),
        *rounds("wild", 0.7, 1.3, 1.0, 1.4, 0.8),
        *rounds("quick", 0.81, 0.79, 0.82, 0.8, 0.78),
    ]
    assert {row.case: row.verdict for row in agreement(taken)} == {
        "near": "agrees", "far": "differs", "wild": "undecided", "quick": "differs",
    }  # fmt: skip
    assert [row.ratio for row in agreement(rounds("same", *[1.25] * 5))] == pytest.approx([1.25])
    with pytest.raises(ValueError, match="give no interval"):
        agreement(rounds("few", 1.0, 1.0))


def test_the_page_says_what_was_found_and_how_busy_it_was():
    text = page(results(rounds("benchmark_app -hint latency, pinned", 1.01, 0.99, 1.02, 1.0, 0.98, load=0.7)))
    assert "| `benchmark_app -hint latency`, pinned | tiny/openvino-fp32 | 2 | f32 | 10.000 | 10.000 | 1.000 (" in text
    assert text.endswith(
        "Of 1 comparisons: 1 agrees, 0 undecided, 0 differs. The agent adds less than 20 us in 1 of 3 graphs.\n"
    )
    assert "19.00 (18.00 to 21.00) | undecided 20 us" in text
    assert "30.00 (29.00 to 31.00) | above 20 us" in text
    assert "says 0.50 us of the same inference" in text
    assert "busy" not in text
    assert "**The machine was busy**" in page(results(rounds("any", *[1.0] * 5, load=3.1)))


def test_what_a_loop_adds_is_found_and_what_the_call_takes_is_not():
    def wait(ns: int) -> None:
        until = time.perf_counter_ns() + ns
        while time.perf_counter_ns() < until:
            pass

    found = summary(compared(lambda: wait(20_000), lambda: wait(20_000 + 2 * LIMIT_NS), 12, 10), 10)
    assert found["bare_us"] >= 20
    assert found["added_us"][2] > 2 * LIMIT_NS / 1e3
    assert verdict(found) != "below"
    with pytest.raises(ValueError, match="7 blocks give no interval"):
        interval([1.0] * 7)


@pytest.mark.slow  # it imports every runtime
def test_graphs_that_do_nothing_run_on_every_runtime(tmp_path: Path):
    for name, model in empty_graphs(tmp_path).items():
        found = measure(name, str(model), blocks=8, calls=5)
        assert 0 < found["bare_us"] < 1e6
        assert found["blocks"] == 8
        assert ("native_us" in found) == (name == "openvino")
