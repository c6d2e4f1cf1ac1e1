"""Inferences a second, beside the latency."""

from __future__ import annotations

import io

from rich.console import Console

from edgekit.reports.throughput import rate, throughput_table
from edgekit.types import Throughput

FOUR = Throughput(
    streams=4, threads=2, cpus=4, window_s=2.0, counts=(10, 12, 11, 9), busy_p50_ns=180_000_000, busy_p90_ns=210_000_000
)
ONE = FOUR.model_copy(update={"streams": 1, "counts": (30,), "busy_p50_ns": 66_000_000, "busy_p90_ns": 70_000_000})


def shown(*measurements) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(throughput_table(measurements))
    return console.export_text()


def test_rates(make) -> None:
    assert (FOUR.per_s, FOUR.crowded, ONE.per_s, ONE.crowded) == (21.0, True, 15.0, False)
    text = shown(make(throughput=(ONE, FOUR)))
    first, second = [line.split() for line in text.splitlines() if " 66" in line or "180" in line]
    assert first[3:] == ["1", "2", "15", "66.0", "70.0"]
    assert second[3:] == ["4", "2", "21", "180", "210"]
    assert "4 streams of 2: 8 threads share 4 CPUs" in text
    assert "1 streams" not in text
    assert "images/s" not in text


def test_images_of_a_batch(make) -> None:
    text = shown(make(throughput=(FOUR,), batch=8))
    assert "images/s" in text
    assert " 168 " in text


def test_digits() -> None:
    assert [rate(value) for value in (1234.5, 99.44, 0.01234)] == ["1234", "99.4", "0.0123"]
