"""Tables in Markdown."""

from __future__ import annotations


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A pipe table; all columns but the first are set to the right."""
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
