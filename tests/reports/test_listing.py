"""The pages that list all measurements of a large store."""

from __future__ import annotations

import re

from edgekit.reports import listing
from edgekit.reports.indexed.summaries import summarised
from edgekit.reports.listing import write_lists


def test_pages_list_everything_and_those_of_an_earlier_report_go(tmp_path, make, monkeypatch):
    monkeypatch.setattr(listing, "ROWS", 2)
    rows = [(number, summarised(make(f"net_{number}"))) for number in range(1, 6)]
    pages = write_lists(tmp_path / "report", rows, "1.0")
    assert [path.name for path in pages] == ["0001.html", "0002.html", "0003.html"]
    text = "".join(path.read_text() for path in pages)
    assert re.findall(r"<td>(net_\d)</td>", text) == [f"net_{number}" for number in range(1, 6)]
    assert "<script>" not in text
    assert 'href="0003.html"' in pages[1].read_text()
    mine = tmp_path / "report" / "0007.html"
    mine.write_text("a page of somebody's own")
    assert write_lists(tmp_path / "report", rows[:1], "1.0") == pages[:1]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["0001.html", "0007.html"]
    mine.unlink()
    assert write_lists(tmp_path / "report", [], "1.0") == []
    assert not (tmp_path / "report").exists()


def test_a_page_of_a_thousand_is_small_enough_to_open(tmp_path, make):
    one = summarised(make())
    (path,) = write_lists(tmp_path, [(number, one) for number in range(listing.ROWS)], "1.0")
    assert path.stat().st_size < 1_000_000
