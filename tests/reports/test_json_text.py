"""JSON that is kept under version control."""

from __future__ import annotations

import json

import pytest

from edgekit.reports.json_text import WIDTH, render


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": list(range(1000))}, "c": [0.1, -2, True, 1e-9] * 50, "d": [], "e": {}, "f": None},
        [{"ü": "é, [1, 2]" * 30}, ["x, y"] * 40, [[1] * 100]],
        list(range(500)),
        "text",
    ],
)
def test_it_is_the_same_value_in_lines(value: object) -> None:
    text = render(value)
    assert json.loads(text) == value
    assert all(len(line) <= WIDTH or '"' in line for line in text.splitlines())


def test_a_field_is_a_line_and_numbers_are_wrapped() -> None:
    lines = render({"short": [1, 2, 3], "long": [123456] * 40, "inner": {"é": 1.5}}).splitlines()
    assert lines[:3] == ["{", ' "short": [1, 2, 3],', ' "long": [']
    assert lines[3] == "  " + ", ".join(["123456"] * 14) + ","
    assert lines[-3:] == [" ],", ' "inner": {"é": 1.5}', "}"]
