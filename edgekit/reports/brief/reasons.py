"""Reasons of verdicts, each shown once for all the measurements to which it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...types import VerdictName
from ..summary import Row
from .alike import grouped


@dataclass(frozen=True)
class Reason:
    """A reason, and the rows whose verdict it explains."""

    verdict: VerdictName
    text: str
    rows: tuple[Row, ...]


def reasons_of(rows: Sequence[Row]) -> list[Reason]:
    """Every reason once, the most frequent first; reasons that differ only in their numbers count as one."""
    said = [(row.measurement.verdict.name, text, row) for row in rows for text in row.measurement.verdict.reasons]
    return [
        Reason(name, text, tuple({row.number: row for row in members}.values()))
        for name, text, members in grouped(said)
    ]
