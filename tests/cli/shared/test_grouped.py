"""The help of a command with many options: groups, and an example a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from edgekit.cli.shared.grouped import told_by


def test_export_shows_first_what_most_people_need_and_the_rest_in_groups(
    edgekit: Callable[..., CompletedProcess[str]],
) -> None:
    text = edgekit("export", "--help").stdout
    headings = re.findall(r"^(\S[^\n]*):$", text, re.MULTILINE)
    assert headings == ["Arguments", "Options", "The network", "Its input", "The file", "Int8", "The run"]
    first = text.partition("Options:")[2].partition("The network:")[0]
    assert len(re.findall(r"^  -", first, re.MULTILINE)) <= 12
    assert "--opset" in text.partition("The file:")[2].partition("Int8:")[0]


def test_each_example_has_a_line(edgekit: Callable[..., CompletedProcess[str]]) -> None:
    lines = edgekit("export", "--help").stdout.splitlines()
    begin = lines.index("  Examples:")
    assert [line.strip().split()[:2] for line in lines[begin + 1 : begin + 3]] == [["edgekit", "export"]] * 2


@pytest.mark.parametrize(
    ("text", "examples"),
    [
        ("Do it.", []),
        ("Do it.\n\nExample: edgekit do", ["edgekit do"]),
        ("Do it.\n\nExamples: edgekit do a;\nedgekit do b", ["edgekit do a", "edgekit do b"]),
        ("Do it.\n\nExample: edgekit do a\nExample: edgekit do b", ["edgekit do a", "edgekit do b"]),
    ],
)
def test_what_a_docstring_tells(text: str, examples: list[str]) -> None:
    assert told_by(text) == ("Do it.", examples)
