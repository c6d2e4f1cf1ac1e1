from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.base.stats import relative_half_width
from edgekit.errors import ToolError

Ask = Callable[..., dict[str, Any]]
SHORT = {"warmup_min_s": 0.01, "min_s": 0.02, "max_s": 2.0}


def photos(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((count, 3, 8, 8), dtype=np.float32)


def test_bench_keeps_raw_samples(ask: Ask, runtime: str) -> None:
    value = ask("bench", runtime, threads=1, min_iterations=60, max_iterations=60, target_half_width=0.0, **SHORT)
    assert len(value["samples_ns"]) == 60
    assert value["ended_by"] == "iterations"
    assert len(value["warmup_ns"]) >= 10
    assert min(value["samples_ns"]) > 0
    assert value["load_ns"] > 0
    assert value["first_inference_ns"] > 0
    assert value["half_width"] == pytest.approx(relative_half_width(value["samples_ns"]))
    assert value["state_after"]["unix_time"] > value["state_before"]["unix_time"]
    assert 1 in value["settings"].values()


def test_bench_ends_when_the_median_is_known(ask: Ask) -> None:
    value = ask("bench", "litert", **{**SHORT, "target_half_width": 0.5})
    assert value["ended_by"] == "precision"
    assert value["half_width"] < 0.5
    assert sum(value["samples_ns"]) < 2e9


def test_bench_ends_at_the_time_limit(ask: Ask) -> None:
    value = ask("bench", "litert", min_iterations=10**7, max_iterations=10**7, min_s=9.0, warmup_min_s=0.01, max_s=0.05)
    assert value["ended_by"] == "time"
    assert 0.03e9 < sum(value["samples_ns"]) < 0.5e9


def test_bench_takes_an_input(ask: Ask, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", photos(1))
    assert ask("bench", "onnxruntime", input=str(tmp_path / "x.npy"), **SHORT)["samples_ns"]
    np.save(tmp_path / "x.npy", photos(2))
    with pytest.raises(ToolError, match=r"shape \[2, 3, 8, 8\]"):
        ask("bench", "onnxruntime", input=str(tmp_path / "x.npy"), **SHORT)


def test_bench_answers_a_check_as_run_does(ask: Ask, tmp_path: Path) -> None:
    rows, timed, ran = (str(tmp_path / name) for name in ("x.npy", "timed.npy", "ran.npy"))
    np.save(rows, photos())
    ask("bench", "onnxruntime", check_inputs=rows, check_outputs=timed, **SHORT)
    ask("run", "onnxruntime", inputs=rows, outputs=ran)
    assert np.load(timed).shape == (3, 5)
    np.testing.assert_array_equal(np.load(timed), np.load(ran))


def test_openvino_computes_in_float32_unless_told(ask: Ask) -> None:
    assert ask("bench", "openvino", **SHORT)["settings"]["INFERENCE_PRECISION_HINT"] == "f32"
    free = ask("bench", "openvino", inference_precision="default", **SHORT)
    assert "INFERENCE_PRECISION_HINT" not in free["settings"]
