"""Texts that differ in their numbers alone, said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

NUMBER = re.compile(r"\d+(?:\.\d+)?")
Whose = TypeVar("Whose")
Kind = TypeVar("Kind")


def grouped(texts: Iterable[tuple[Kind, str, Whose]]) -> list[tuple[Kind, str, list[Whose]]]:
    """Every text once with all that it is said of, in the order of the first; the most frequent first.

    Args:
        texts: a kind, the text, and what it is said of; texts of two kinds stay apart.
    """
    found: dict[tuple[Kind, str], list[tuple[str, Whose]]] = {}
    for kind, text, whose in texts:
        found.setdefault((kind, NUMBER.sub("0", text)), []).append((text, whose))
    alike = [
        (kind, merged([text for text, _ in members]), [whose for _, whose in members])
        for (kind, _), members in found.items()
    ]
    return sorted(alike, key=lambda one: -len(one[2]))


def merged(texts: Sequence[str]) -> str:
    """Texts that differ in their numbers alone, as one: ``2.1`` and ``8.9`` become ``2.1 to 8.9``."""
    columns = [sorted(set(column), key=float) for column in zip(*map(NUMBER.findall, texts), strict=True)]
    spans = iter([column[0] if len(column) == 1 else f"{column[0]} to {column[-1]}" for column in columns])
    return NUMBER.sub(lambda _: next(spans), texts[0])
