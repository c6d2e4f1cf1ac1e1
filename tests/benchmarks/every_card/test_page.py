"""The page of every card, from cells made up for it, and from those that are kept."""

from __future__ import annotations

from typing import Any

from benchmarks.every_card.__main__ import PAGE, cards, read_cells
from benchmarks.every_card.page import page


def cell(card: str = "a", precision: str = "fp32", **changes: Any) -> dict[str, Any]:
    found = {"cosine": 0.99, "sqnr_db": 40.0, "bytes": 10, "cpu_s": 1.0}
    return {"card": card, "family": "f", "side": 32, "format": "onnx", "precision": precision, **found, **changes}


def test_the_lowest_counts_and_what_is_left_or_failed_is_said() -> None:
    rows = [cell(), cell("b", cosine=0.5), cell(precision="int8", failed="audit: a|b")]
    text = page(rows, ["a", "b", "c"])
    assert "2 of 3 artifacts of 2 cards are right." in text
    assert "1 of 3 cards are not made yet" in text
    assert "| f | onnx | 2 | 0.500 | - | - | 0.990 |" in text
    assert "| a | onnx | int8 | audit: a\\|b |" in text
    whole = page([cell()], ["a"])
    assert "not made yet" not in whole
    assert "not right" not in whole


def test_the_page_follows_from_what_is_kept() -> None:
    assert PAGE.read_text() == page(read_cells(), cards())
