"""Reasons of verdicts, each shown once for all the measurements to which it applies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...types import VerdictName
from ..summary import Row

NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Reason:
    """A reason, and the rows whose verdict it explains."""

    verdict: VerdictName
    text: str
    rows: tuple[Row, ...]


def reasons_of(rows: Sequence[Row]) -> list[Reason]:
    """Every reason once, the most frequent first; reasons that differ only in their numbers count as one."""
    found: dict[tuple[VerdictName, str], list[tuple[Row, str]]] = {}
    for row in rows:
        verdict = row.measurement.verdict
        for text in verdict.reasons:
            found.setdefault((verdict.name, NUMBER.sub("0", text)), []).append((row, text))
    reasons = [
        Reason(name, merged([text for _, text in members]), tuple({row.number: row for row, _ in members}.values()))
        for (name, _), members in found.items()
    ]
    return sorted(reasons, key=lambda reason: -len(reason.rows))


def merged(texts: Sequence[str]) -> str:
    """Texts that differ in their numbers alone, as one: ``2.1`` and ``8.9`` become ``2.1 to 8.9``."""
    columns = [sorted(set(column), key=float) for column in zip(*map(NUMBER.findall, texts), strict=True)]
    spans = iter([column[0] if len(column) == 1 else f"{column[0]} to {column[-1]}" for column in columns])
    return NUMBER.sub(lambda _: next(spans), texts[0])
