"""Tables on stderr: as wide as the terminal, and whole in a log."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.table import Table
from rich.text import Text

from ...base.clean import for_terminal
from ...reports.narrow import fit
from .console import say
from .screen import Screen, on_stderr

MOST_ROWS = 200
"""More than anybody reads on a terminal."""


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    numbers: Collection[str] = (),
    spare: Sequence[str] = (),
    screen: Screen | None = None,
    most: int = MOST_ROWS,
) -> None:
    """Print rows under their titles, on stderr or ``screen``; the columns that ``numbers`` names stand to the right.

    Of more than ``most`` rows the first are shown, and how many there are. On a narrow terminal what is the same in
    every row is said once below, and columns that ``spare`` names, the least wanted first, are left out.

    Texts are shown as they are: no markup is read from them.
    """
    screen = screen or on_stderr()
    fitted = fit(titles, rows, screen.width, spare)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for title in (titles[place] for place in fitted.kept):
        table.add_column(title, justify="right" if title in numbers else "left", overflow="fold")
    for row in rows[:most]:
        cells = [row[place] for place in fitted.kept]
        table.add_row(*(Text(for_terminal(cell)) if isinstance(cell, str) else cell for cell in cells))
    screen.print(table)
    for note in fitted.notes:
        say(note)
    if len(rows) > most:
        say(f"... and {len(rows) - most} more rows: --json has all")
