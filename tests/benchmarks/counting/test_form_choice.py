"""The form that counts choose, and the shipped tables for ARM: what follows from the published figures."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from benchmarks.counting.form_choice import DEFAULTS, choose, line, mean_ratio, shipped_tables, tables
from benchmarks.places import RESULTS
from edgekit.forms.catalogue import find
from edgekit.forms.known import key
from edgekit.types import FormTable

ROWS: list[dict[str, Any]] = json.loads((RESULTS / "forms.json").read_text())


def row(**cycles: int) -> dict[str, Any]:
    """A row with forms of these cycles; instructions are half of them."""
    forms = [
        {"name": name, "outcome": "counted", "cycles": count, "instructions": count // 2}
        for name, count in cycles.items()
    ]
    return {**ROWS[0], "plain": {"cycles": 1000, "instructions": 400}, "forms": forms}


def test_the_fewest_cycles_win_and_the_default_where_it_is_near() -> None:
    assert choose(row(default=900, other=880)).form["name"] == "other"
    assert choose(row(other=880, default=883)).form["name"] == "default"
    chosen = choose(row(other=800, default=900))
    assert chosen.cycles == pytest.approx(0.8)
    assert chosen.instructions == pytest.approx(1.0)
    assert [one["name"] for one in chosen.others] == ["default"]
    assert mean_ratio([chosen, choose(row(default=1250))]) == pytest.approx(1.0)


def test_what_was_not_counted_is_not_chosen() -> None:
    refused = row(default=900)
    refused["forms"] = [{"name": "other", "outcome": "refused", "reason": "it fails"}, *refused["forms"]]
    assert choose(refused).form["name"] == "default"
    with pytest.raises(ValueError, match="was counted"):
        choose({**refused, "forms": refused["forms"][:1]})


def test_a_line_says_that_it_was_counted_and_with_what() -> None:
    made = line(choose(row(other=800, default=1000)))
    assert (made.form, made.measured, made.against, made.evidence) == ("other", False, "plain", None)
    assert made.counted is not None
    assert made.counted.cycles == pytest.approx(1.25)
    assert made.counted.runtime_version == ROWS[0]["runtime_version"]
    assert "default 1.25x" in made.note


def test_the_shipped_tables_follow_from_the_figures() -> None:
    """Every row has its line, whose form takes at most a percent more than plain."""
    shipped = shipped_tables()
    for target, text in tables(ROWS, shipped).items():
        assert (DEFAULTS / f"{target}.toml").read_text() == text
        lines = {key(known): known for known in shipped[target].known}
        for one in (choose(row) for row in ROWS if row["target"] == target):
            known = lines[one.row["family"], one.row["format"], one.row["precision"]]
            assert known == line(one)
            assert known.counted is not None
            assert known.counted.cycles >= 1 / 1.01
            assert find(known.form) is not None


def test_a_line_that_no_row_is_about_stays() -> None:
    shipped = shipped_tables()
    other = line(choose(row(default=900))).model_copy(update={"network": "squeezenet", "note": "by hand"})
    table = shipped["armv8.0"].model_copy(update={"known": (*shipped["armv8.0"].known, other)})
    text = tables(ROWS, {**shipped, "armv8.0": table})["armv8.0"]
    assert other in FormTable.from_plain(tomllib.loads(text)).known
