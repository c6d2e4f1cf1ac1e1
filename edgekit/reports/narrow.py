"""Tables that fit a terminal: values that all rows share are shown once, then the least wanted columns are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

GAP = 2
"""Columns of a terminal between two of the table; rich's tables without a box have as many."""


@dataclass(frozen=True)
class Fitted:
    """A table as it is printed.

    Attributes:
        kept: places of the columns that stay.
        notes: the shared values of the other columns, or that they are left out.
    """

    kept: tuple[int, ...]
    notes: tuple[str, ...]


def fit(titles: Sequence[str], rows: Sequence[Sequence[str | Text]], width: int, spare: Sequence[str] = ()) -> Fitted:
    """Which columns to print in ``width`` columns of a terminal; the first always stays.

    Args:
        titles: of the columns.
        rows: their cells.
        width: of the terminal.
        spare: titles of columns that may be left out, the least wanted first.
    """
    texts = [[text_of(cell) for cell in row] for row in rows]
    wide = [max(len(title), *(len(row[place]) for row in texts), 0) for place, title in enumerate(titles)]
    kept = list(range(len(titles)))
    same: list[str] = []
    if len(rows) > 1:
        for place, title in enumerate(titles[1:], 1):
            found = {row[place] for row in texts}
            if len(found) == 1 and total(wide, kept) > width:
                kept.remove(place)
                same.append(f"{title} {found.pop() or '-'}")
    gone = []
    for title in spare:
        place = titles.index(title)
        if place in kept and total(wide, kept) > width:
            kept.remove(place)
            gone.append(title)
    notes = [f"in every row: {', '.join(same)}"] if same else []
    notes += [f"left out, as they do not fit {width} columns: {', '.join(gone)} (--json has all)"] if gone else []
    return Fitted(tuple(kept), tuple(notes))


def total(wide: Sequence[int], kept: Sequence[int]) -> int:
    """What the kept columns take."""
    return sum(wide[place] for place in kept) + GAP * (len(kept) - 1)


def text_of(cell: str | Text) -> str:
    """A cell's text."""
    return cell.plain if isinstance(cell, Text) else cell
