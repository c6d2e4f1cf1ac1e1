"""A row of the fault table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .loop import Outcome

SHOWN = 5


@dataclass(frozen=True)
class Row:
    """One kind of fault on one command.

    Attributes:
        tried: faults that happened.
        codes: exit codes, and how often each came.
        broken: how many did not keep the promise.
        why: what was not kept, in words, the first few; or why none was tried here.
        of: so many operations that the command has; 0 where the faults are of another kind.
    """

    fault: str
    command: str
    promise: str
    tried: int
    codes: dict[str, int]
    broken: int = 0
    why: tuple[str, ...] = ()
    of: int = 0

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Row:
        """A row of the results' JSON."""
        return cls(**{**plain, "why": tuple(plain["why"])})


def row_of(fault: str, command: str, promise: str, outcomes: Iterable[Outcome], of: int = 0) -> Row:
    """The row that tells of all these outcomes; ``of`` so many operations."""
    codes: Counter[str] = Counter()
    why: list[str] = []
    tried = broken = 0
    for outcome in outcomes:
        tried += 1
        codes[code_words(outcome.code)] += 1
        if outcome.broken:
            broken += 1
            why.append(f"{outcome.fault}: {'; '.join(outcome.broken)}")
    return Row(fault, command, promise, tried, dict(sorted(codes.items())), broken, tuple(why[:SHOWN]), of)


def code_words(code: int | None) -> str:
    """How a run ended."""
    if code is None:
        return "did not end"
    return f"signal {-code}" if code < 0 else str(code)
