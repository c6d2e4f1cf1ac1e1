from __future__ import annotations

from collections.abc import Callable

from edgekit.reports.counted.words import HEADINGS, cells, grown, kernels_of, markdown_section
from edgekit.types import Counted


def test_a_row_has_a_cell_for_each_heading(make_counted: Callable[..., Counted]) -> None:
    row = dict(zip(HEADINGS, cells(make_counted()), strict=True))
    assert row["counted M instr."] == "1.000"
    assert row["modelled misses k"] == "9/1"
    assert row["estimated ms"] == "0.222 at 1.8 GHz"
    assert row["noise"] == "0"
    assert dict(zip(HEADINGS, cells(make_counted(repeat=None)), strict=True))["noise"] == "-"


def test_what_grew_is_named_the_most_first(make_counted: Callable[..., Counted]) -> None:
    before = make_counted()
    more = [{"library": "l.so", "name": "gemm", "instructions": 760_000},
            {"library": "l.so", "name": "MultiplyByQuantizedMultiplier", "instructions": 90_000}]  # fmt: skip
    after = make_counted(
        instructions=1_150_000, simd=300_000, loads=250_000, cache_misses=[20_000, 900], functions=more
    )
    assert grown(before, after) == [
        "other SIMD: 0.200 -> 0.300 M",
        "loads: 0.200 -> 0.250 M",
        "modelled misses of level 1: 9 -> 20 k",
        "MultiplyByQuantizedMultiplier: 0 -> 0.090 M",
        "gemm: 0.700 -> 0.760 M",
    ]
    assert grown(before, before) == []


def test_functions_have_their_share(make_counted: Callable[..., Counted]) -> None:
    assert kernels_of([make_counted()])[1] == "   70.0%  gemm"


def test_a_report_has_a_section_of_its_own_for_counts(make_counted: Callable[..., Counted]) -> None:
    section = markdown_section([make_counted(model="odd.model")])
    assert section.startswith("## Counted on simulated boards, not measured\n")
    assert "| odd.model | tflite-int8 t1 | sim-rpi4 (cortex-a72) |" in section.replace("\\", "")
    assert "Estimates for cortex-a72: unknown." in section
    assert markdown_section([]) == ""
