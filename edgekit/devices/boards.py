"""Facts about boards: ``boards.toml`` beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import ValidationError

from ..catalog import explain, read_toml
from ..errors import UsageError, did_you_mean
from ..types import Frozen, TargetClass

FILE = Path(__file__).with_name("boards.toml")


class Cluster(Frozen):
    """Cores of one kind; ``mhz`` is their highest clock."""

    count: int
    core: str
    mhz: int


class Board(Frozen):
    """What a board or phone is made of. ``target`` is the class of CPU that export profiles know."""

    title: str
    soc: str
    clusters: tuple[Cluster, ...]
    target: TargetClass
    gpu: str | None = None

    @property
    def cpu(self) -> str:
        """The CPU in words: ``4 x Cortex-A72 at 1800 MHz``."""
        return " + ".join(f"{c.count} x {c.core} at {c.mhz} MHz" for c in self.clusters)


@cache
def boards() -> dict[str, Board]:
    """Every board by id."""
    try:
        return {name: Board.from_plain(table) for name, table in read_toml(FILE).items()}
    except ValidationError as error:
        raise explain(FILE, Board, error) from error


def find_board(name: str) -> Board:
    """The board of an id.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in boards():
        raise UsageError(f"unknown board {name!r}", did_you_mean(name, boards()))
    return boards()[name]
