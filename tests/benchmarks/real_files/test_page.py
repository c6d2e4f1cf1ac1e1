"""The page of networks and files of others, from cells made up for it, and from those that are kept."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.real_files.__main__ import PAGE, key_of, read_cells, wanted
from benchmarks.real_files.page import page, verdict

PLAIN = {"size_bytes": 10, "transposes": 4}
OURS = {"status": "converted", "seconds": 1.0, "sqnr_db": 90.0, "size_bytes": 9, "transposes": 0, "rewrites": []}


def cell(subject: str = "unet", low: float = 0.8, high: float = 0.9, **changes: Any) -> dict[str, Any]:
    found = {"ratio": (low * high) ** 0.5, "low": low, "high": high, "pairs": 5, "busy": 2}
    return {
        "subject": subject, "format": "onnx", "precision": "fp32", "load": 3.0, "date": "2026-11-29", "plain": PLAIN,
        "edgekit": OURS, "compared": {**found, "plain_ms": 2.0, "edgekit_ms": 1.7}, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.8, 0.9, "faster"), (0.99, 1.02, "equal"), (0.99, 1.05, "?"), (1.04, 1.2, "slower"), (1.01, 1.02, "equal")],
)
def test_verdicts(low: float, high: float, word: str) -> None:
    assert verdict(cell(low=low, high=high)) == word


def test_counts_rows_and_reasons() -> None:
    refused = {"status": "refused", "error": "the operator a|b has no counterpart"}
    rows = [
        cell(),
        cell("detector", 1.04, 1.2),
        cell("centerface", edgekit=refused, compared={}),
        cell("ppocr_v4_det", format="tflite", plain={"none": "no library"}, compared={}),
        cell("selfie", precision="as it is", edgekit={"status": "refused", "error": "custom operator X"}, compared={}),
    ]
    text = page(rows, 7)
    assert "2 of 7 cells are not made yet" in text
    assert "not made yet" not in page(rows, 5)
    assert "The plain libraries export 3 of 4; edgekit exports and verifies 2 of these (67 %), and 1 more." in text
    assert "faster in 1, within 3% in 0, slower by more in 1, and too uncertain to say in 0." in text
    assert "| unet | onnx | fp32 | converted | 90.0 dB | 4 | 0 | 2.000 | 1.700 | 0.849 (0.800 to 0.900) |  |" in text
    assert "| centerface onnx fp32 | edgekit | the operator a\\|b has no counterpart |" in text
    assert "| selfie | refused: custom operator X | | | | |" in text
    assert "Launches of 2 cells met another process's work" in text


def test_instructions_tell_of_what_is_too_uncertain() -> None:
    fewer = cell("unet", 0.9, 1.1, counted={"plain": 2.0, "edgekit": 1.9, "ratio": 0.95})
    more = cell("detector", 0.9, 1.1, counted={"plain": 2.0, "edgekit": 2.04, "ratio": 1.02})
    known = cell("centerface", counted={"plain": 2.0, "edgekit": 4.0, "ratio": 2.0})
    text = page([fewer, more, known], 3)
    assert "Of 2 of these the instructions are counted: edgekit's executes fewer, or at most 0.5% more, in 1" in text
    assert "1.020 of plain's at most." in text
    assert "0.995 (0.900 to 1.100) | 0.950 |" in text
    failed = cell(counted={"error": "no QEMU"})
    assert "| unet onnx fp32 | counted | no QEMU |" in page([failed], 1)


def test_the_page_follows_from_what_is_kept() -> None:
    known = read_cells()
    assert PAGE.read_text() == page([known[key] for key in map(key_of, wanted()) if key in known], len(list(wanted())))
