"""A row of the fault table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .loop import Outcome
from .turns import numbers, words

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
        at: which of them had their turn, as ``1-47,51``; empty where nobody wrote it down.
    """

    fault: str
    command: str
    promise: str
    tried: int
    codes: dict[str, int]
    broken: int = 0
    why: tuple[str, ...] = ()
    of: int = 0
    at: str = ""

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Row:
        """A row of the results' JSON."""
        return cls(**{**plain, "why": tuple(plain["why"])})


def growing(begun: Row, outcomes: Iterable[Outcome]) -> Iterator[Row]:
    """The row, with nothing tried at first, and again after each outcome: a long run may be ended at any time."""
    yield begun
    for outcome in outcomes:
        why = (f"{outcome.fault}: {'; '.join(outcome.broken)}",) if outcome.broken else ()
        at = str(outcome.at) if outcome.at else ""
        one = replace(begun, tried=1, codes={code_words(outcome.code): 1}, broken=len(why), why=why, at=at)
        begun = together(begun, one)
        yield begun


def together(row: Row, other: Row) -> Row:
    """One row of two that tell of different faults of one kind on one command."""
    codes = Counter(row.codes) + Counter(other.codes)
    return replace(
        row,
        tried=row.tried + other.tried,
        codes=dict(sorted(codes.items())),
        broken=row.broken + other.broken,
        why=(*row.why, *other.why)[:SHOWN],
        at=words(numbers(row.at) | numbers(other.at)),
    )


def newest(row: Row, earlier: Row) -> Row:
    """Both, when the earlier one tells of other operations of the same command; else the new one."""
    apart = row.at and earlier.at and row.of == earlier.of and not numbers(row.at) & numbers(earlier.at)
    return together(row, earlier) if apart else row


def code_words(code: int | None) -> str:
    """How a run ended."""
    if code is None:
        return "did not end"
    return f"signal {-code}" if code < 0 else str(code)
