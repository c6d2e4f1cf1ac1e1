"""Counts of a network on a simulated board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgekit.types import Counted


@pytest.fixture
def make_counted() -> Callable[..., Counted]:
    """Counts of a network that was counted on the simulated Pi 4; fields of the counts and others by name."""
    return counted


def counted(**given: Any) -> Counted:
    numbers = {
        "instructions": 1_000_000, "fma": 0, "dot": 0, "int_multiply": 300_000, "simd": 200_000, "loads": 200_000,
        "stores": 20_000, "branches": 50_000, "bytes_loaded": 3_000_000, "bytes_stored": 200_000,
        "cache_misses": [9000, 900],
    }  # fmt: skip
    counts = {name: given.pop(name, value) for name, value in numbers.items()}
    plain = {
        "model": "small", "profile": "tflite-int8", "format": "tflite", "precision": "int8", "io": "float32",
        "artifact_sha256": "0" * 64, "artifact_bytes": 1000, "macs": 10_000, "weights_kind": "random",
        "export_command": "", "device": {"id": "sim-rpi4", "transport": "simulated", "board": "rpi4"},
        "core": "cortex-a72", "runtime": "litert", "runtime_version": "2.3.0", "threads": 1, "batch": 1,
        "counts": counts, "repeat": counts, "inferences": [counts["instructions"]],
        "functions": [{"library": "l.so", "name": "gemm", "instructions": 700_000}],
        "estimate": {"cycles": 400_000.0, "clock_mhz": 1800, "bound": "issue", "miss_share": 0.1, "error": "unknown"},
        "emulator": "7.2.22", "plugin": "abc", "counted_at": "2026-01-02T03:04:05+00:00", "seconds": 4.0,
        "edgekit_version": "0",
    }  # fmt: skip
    return Counted.from_plain({**plain, **given})
