"""Tables on stderr: as wide as the terminal, and whole in a log."""

from __future__ import annotations

from rich.console import Console, RenderableType

FILE_WIDTH = 160
"""Columns of output that no terminal shows."""


def print_table(table: RenderableType) -> None:
    """Print on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=FILE_WIDTH)
    console.print(table)
