"""The published search: its page says what its data say, and the difference is that of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.search_result import compared, page
from edgekit.types.networks.searches import Tried, best_of

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = json.loads((ROOT / "benchmarks" / "results" / "search.json").read_text())


def test_the_page_is_that_of_the_published_data() -> None:
    assert page(PUBLISHED) == (ROOT / "docs" / "results" / "search.md").read_text()


def test_the_found_network_costs_no_more_and_every_interval_is_above_nothing() -> None:
    tried = [Tried.from_plain(one) for one in PUBLISHED["tried"]]
    best = best_of(tried)
    assert best is not None
    assert best.cost_ms is not None
    assert tried[0].cost_ms is not None
    assert best.cost_ms <= tried[0].cost_ms
    for run in PUBLISHED["runs"]:
        reference, found = (run["accuracy"][side] for side in ("reference", "found"))
        assert reference.keys() == found.keys()
        assert len(found) >= 3
        assert compared(list(reference.values()), list(found.values()))["low"] > 0


def test_the_difference_is_that_of_the_pairs() -> None:
    found = compared([10.0, 50.0, 90.0], [11.0, 52.0, 93.0])
    assert found["mean"] == pytest.approx(2.0)
    assert found["low"] == pytest.approx(2.0 - 4.302653 / 3**0.5, abs=1e-5)
    assert found["seeds"] == 3
