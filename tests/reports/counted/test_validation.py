from __future__ import annotations

import pytest

from edgekit.reports.counted.validation import HEADINGS, cells, errors_of
from edgekit.types import Validated, Validation


def row(measured: float, estimated: float, precision: str = "fp32", version: str = "2.3.0") -> Validated:
    """One artifact."""
    return Validated(
        model="a", profile="tflite-x", precision=precision, runtime="litert", measured_version=version,
        counted_version="2.3.0", p50_ms=measured, samples=30, verdict="steady", instructions=10, cycles=1.0,
        estimated_ms=estimated,
    )  # fmt: skip


def validation(*rows: Validated) -> Validation:
    """A board with these."""
    return Validation(
        board="rpi4", core="cortex-a72", clock_mhz=1800, cpu="a CPU", system="Linux", emulated=False, rows=rows,
        plugin="0", emulator="7.2", measured_at="2026-11-29T00:00:00+00:00", edgekit_version="0",
    )  # fmt: skip


def test_errors_are_told_apart_by_precision() -> None:
    found = validation(row(10, 9), row(20, 20), row(40, 52), row(10, 5, "int8"))
    fp32, int8 = errors_of(found)
    assert (fp32.of, fp32.count, fp32.median_ratio) == ("litert fp32", 3, 1.0)
    assert (fp32.median, fp32.largest) == (pytest.approx(0.1), pytest.approx(0.3))
    assert fp32.rank == pytest.approx(1.0)
    assert (
        "3 artifacts: estimated 1.00 of the measured latency in the median, median error 10%, largest 30%" in fp32.words
    )
    assert int8.rank is None
    assert int8.words.startswith("litert int8, 1 artifact: estimated 0.50")


def test_an_order_that_says_nothing_has_no_correlation() -> None:
    (found,) = errors_of(validation(row(10, 9), row(10, 10), row(10, 11)))
    assert found.rank is None


def test_another_version_on_the_board_is_shown() -> None:
    assert len(cells(row(10, 9))) == len(HEADINGS)
    assert cells(row(10, 9))[2] == "litert 2.3.0"
    assert cells(row(10, 9, version="2.1.0"))[2] == "litert 2.1.0, counted 2.3.0"


def test_a_validation_is_what_its_file_says() -> None:
    found = validation(row(10, 9))
    assert Validation.model_validate_json(found.model_dump_json()) == found
