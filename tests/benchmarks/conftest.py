"""Results of the benchmark, made up for its pages; round figures, so that they can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Latencies = dict[tuple[str, str], dict[str, float]]

LATENCIES: Latencies = {
    ("mobilenet_v3", "tflite"): {"plain-fp32": 8.0, "edgekit-fp32": 8.0, "plain-int8": 16.0, "edgekit-int8": 8.0},
    ("mobilenet_v3", "onnx"): {
        "plain-fp32": 8.0,
        "edgekit-fp32": 10.0,
        "plain-int8": 10.0,
        "edgekit-int8": 4.0,
        "unsigned-int8": 5.0,
    },
    ("condensenet", "tflite"): {"plain-fp32": 30.0, "edgekit-fp32": 20.0, "plain-int8": 40.0, "edgekit-int8": 40.0},
}


def make_results(latencies: Latencies = LATENCIES, complete: bool = False, load: float = 0.5) -> dict[str, Any]:
    """What ``benchmarks.bench`` writes, for the given medians in milliseconds."""
    networks, rounds = [], []
    for number, ((family, format_), medians) in enumerate(latencies.items()):
        names = ["plain-fp32", "edgekit-fp32", "plain-int8", "edgekit-int8"] + ["unsigned-int8"] * (format_ == "onnx")
        networks.append(
            {
                "model": f"{family}_1.0",
                "family": family,
                "format": format_,
                "macs": 200_000_000,
                "layers": [["features.0", 150_000_000, 1_000_000], ["head", 50_000_000, 2_000_000]],
                "artifacts": {
                    name: {"error": "", "facts": facts(name, format_)}
                    if name in medians
                    else {"error": "converting it crashed with SIGABRT\n    log | of the child", "facts": {}}
                    for name in names
                },
            }
        )
        for turn in range(6):
            # The machine is slower in some rounds; both sides meet that.
            pace = 1 + 0.1 * ((turn + number) % 3)
            launches = {
                name: {
                    "sha256": name,
                    "turns_ns": [[round(ms * 1e6 * pace * (1 + 0.001 * step * (turn - 2))) for step in (-1, 0, 1)]],
                    "load_1m": load,
                }
                for name, ms in medians.items()
            }
            entry = {"model": f"{family}_1.0", "format": format_, "order": list(medians), "launches": launches}
            rounds.append({**entry, "errors": {}})
    return {
        "schema_version": 1,
        "complete": complete,
        "conditions": CONDITIONS,
        "conversion": {"plain": [20.0, 22.0, 21.0], "edgekit": [9.0, 8.0, 10.0]},
        "real_weights": {"photos": 20, "target": "x86-avx2", "rows": [trained("onnx", 18.0), trained("tflite", 23.0)]},
        "networks": networks,
        "rounds": rounds,
    }


def facts(name: str, format_: str) -> dict[str, Any]:
    ours, int8 = name.startswith("edgekit"), name.endswith("int8")
    return {
        "sqnr_db": 18.0 if int8 else 110.0,
        "size_bytes": 5_000_000 if int8 else 20_000_000,
        "transposes": 0 if ours else 48,
        "partitions": 1 if ours else 22,
        "delegated_share": 1.0 if ours else 0.8,
        "cpu_seconds": 9.0 if ours else 21.0,
        **(taken(format_) if ours and int8 else {}),
    }


def trained(format_: str, decibels: float) -> dict[str, Any]:
    ours = {"sqnr_db": decibels, "agree": 19, "profile": f"{format_}-int8"}
    return {"model": "net", "format": format_, "plain": {"sqnr_db": 14.0, "agree": 12}, "edgekit": ours}


def taken(format_: str) -> dict[str, Any]:
    """What an int8 export came out as: in ONNX as float32."""
    if format_ == "onnx":
        return {"profile": "onnx-fp32", "notes": ["onnx-fp32 instead of onnx-int8: int8 is slower here"]}
    return {"profile": f"{format_}-int8", "notes": ["ranges by min-max"]}


CONDITIONS: dict[str, Any] = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "abc1234",
    "cpu": "A CPU",
    "cores": 4,
    "isa": ["avx2"],
    "target": "x86-avx2",
    "system": "Linux-6.1",
    "governor": "performance",
    "versions": {"numpy": "2.0", "onnxruntime": "1.30"},
    "threads": 1,
    "launch": {},
    "ceilings": {
        "threads": 1,
        "macs_per_s": {"fp32": 50e9, "int8": 100e9},
        "sources": {"fp32": "measured: a product", "int8": "nominal: 2.00 times the measured float32 peak"},
        "bandwidth": [
            {"footprint_bytes": 1 << 18, "bytes_per_s": 80e9},
            {"footprint_bytes": 1 << 26, "bytes_per_s": 4e9},
        ],
    },
}


@pytest.fixture
def results() -> Callable[..., dict[str, Any]]:
    return make_results
