"""Ranges by percentile and by squared error: against a search by brute force, and in every format's file."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.catalog import profile_for
from edgekit.convert.int8.ranges import mse_range, percentile_range, range_without_outliers
from edgekit.types import ExportProfile
from edgekit.verbs.export import export


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.histogram(values, 2048)


def error(values: np.ndarray, low: float, high: float) -> float:
    scale = (high - low) / 255
    first = np.round(low / scale)
    return float(((np.clip(np.round(values / scale), first, first + 255) * scale - values) ** 2).mean())


@pytest.fixture
def heavy_tail() -> np.ndarray:
    """A thousand times the usual, once in ten thousand."""
    values = np.random.default_rng(0).normal(size=40_000)
    values[:4] = [300, -200, 150, 280]
    return values


def test_percentile_cuts_half_on_each_side(heavy_tail):
    low, high = percentile_range(*histogram(heavy_tail), 99.9)
    width = 500 / 2048
    assert low == pytest.approx(np.percentile(heavy_tail, 0.05), abs=width)
    assert high == pytest.approx(np.percentile(heavy_tail, 99.95), abs=width)
    assert percentile_range(*histogram(heavy_tail), 100) == pytest.approx((-200, 300))


def test_least_squares_is_near_the_best_of_all(heavy_tail):
    counts, edges = histogram(heavy_tail)
    found = error(heavy_tail, *mse_range(counts, edges))
    grid = np.linspace(0.05, 1, 40)
    best = min(error(heavy_tail, -200 * a, 300 * b) for a, b in product(grid, grid))
    assert found <= 1.1 * best
    assert found < error(heavy_tail, -200, 300)


def test_rectified_and_symmetric():
    values = np.abs(np.random.default_rng(0).normal(size=5000))
    assert mse_range(*histogram(values))[0] == 0
    low, high = mse_range(*histogram(values), symmetric=True)
    assert low == -high
    assert mse_range(np.zeros(4), np.arange(5.0)) == (0, 0)


def with_ranges(format_: str, ranges: str) -> ExportProfile:
    base = profile_for(format_, "int8")
    quantization = base.quantization.model_copy(update={"ranges": ranges, "percentile": 99.99})
    parity = base.parity.model_copy(update={"min_cosine": 0.5, "min_sqnr_db": 3.0, "min_image_sqnr_db": None})
    return base.model_copy(
        update={"name": ranges, "quantization": quantization, "parity": parity, "target": "x86-avx2"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_every_format_takes_and_records_them(card_file, tmp_path, format_):
    kinds = ("min-max", "percentile", "mse")
    outcomes = export([str(card_file)], [with_ranges(format_, k) for k in kinds], ExportOptions(out=tmp_path), print)
    for outcome in outcomes:
        assert outcome.status == "converted", outcome.error
    said = [outcome.artifact.quantization["ranges"] for outcome in outcomes]
    assert [text.split(",")[0] for text in said] == ["min-max", "percentile 99.99", "mse"]
    # Each is another file with other results, not the same under three names.
    assert len({outcome.artifact.parity.sqnr_db for outcome in outcomes}) == 3


def test_as_many_outliers_are_cut_of_a_small_tensor_as_of_a_large_one():
    edges = np.linspace(0.0, 100.0, 101)
    for size in (100_000, 1_000_000):
        counts = np.zeros(100, np.int64)
        counts[:50], counts[99] = size // 50, 3  # 16 values may go on each side
        assert range_without_outliers(counts, edges, 32) == (0.0, 50.0)
        counts[99] = 17
        assert range_without_outliers(counts, edges, 32) == (0.0, 100.0)
    few = np.full(100, 10)  # 0.1 % are one value, and half of it goes on each side: none
    assert range_without_outliers(few, edges, 32) == (0.0, 100.0)
