"""Limits on peak memory and cold start, measured on this machine; scripted where the figures must be known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Session
from edgekit.devices.local import LOCAL
from edgekit.gate.measured_limits import MeasuredLimits, cold_start_kept, memory_kept
from edgekit.gate.pairs import Pairing


def pairing(folder: Path, transport: ThisMachine | None = None) -> Pairing:
    stored = read_manifest(folder)
    return Pairing(Session(transport or ThisMachine(), LOCAL), {"baseline": stored, "candidate": stored})


@pytest.mark.parametrize(
    ("limits", "status", "words"),
    [
        ({"max_memory_mb": 100_000.0}, "PASS", "within max_memory_mb"),
        ({"max_memory_mb": 1.0}, "FAIL", "MB at its peak, and max_memory_mb is 1"),
        ({"max_memory_growth": 0.5}, "PASS", "the peak memory went from"),
    ],
)
def test_the_peak_memory_of_real_launches(tiny: Path, limits: dict[str, float], status: str, words: str) -> None:
    found = memory_kept(pairing(tiny / "tflite-fp32"), MeasuredLimits(**limits))
    assert found.status == status
    assert words in found.reason


def test_memory_that_grew(tiny: Path, stand_in: Callable[..., ThisMachine]) -> None:
    told = [{"peak_rss_bytes": mb * 10**6, "baseline_rss_bytes": None, "source": ""} for mb in (11, 12, 99, 10, 10, 10)]
    found = memory_kept(pairing(tiny / "tflite-fp32", stand_in(memory=told)), MeasuredLimits(max_memory_growth=0.1))
    assert (found.status, found.reason) == (
        "FAIL",
        "the peak memory went from 10.0 to 12.0 MB, and max_memory_growth is 10.0%",
    )


def test_a_device_that_tells_no_memory_proves_nothing(tiny: Path, stand_in: Callable[..., ThisMachine]) -> None:
    silent = {"peak_rss_bytes": None, "baseline_rss_bytes": None, "source": "unavailable"}
    found = memory_kept(pairing(tiny / "tflite-fp32", stand_in(memory=[silent])), MeasuredLimits(max_memory_mb=9.0))
    assert found.status == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("starts_ms", "status"),
    [
        ([10, 11, 12, 10, 11, 12, 10, 11], "PASS"),
        ([30, 31, 32, 30, 31, 32, 30, 31], "FAIL"),
        ([10, 11, 12, 30, 31, 32, 10, 31], "INCONCLUSIVE"),
        ([10, 11], "INCONCLUSIVE"),
    ],
)
def test_cold_starts_are_judged_by_their_interval(starts_ms: list[int], status: str) -> None:
    found = cold_start_kept([one * 10**6 for one in starts_ms], 20.0)
    assert found.status == status
    assert "max_cold_start_ms is 20" in found.reason
