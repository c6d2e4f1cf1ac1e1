"""Which operations had their turn, as text: ``1-47,51``."""

from __future__ import annotations

from collections.abc import Iterable


def numbers(text: str) -> frozenset[int]:
    """The operations that ``text`` names.

    Raises:
        ValueError: it is not made of numbers and ranges.
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def words(chosen: Iterable[int]) -> str:
    """Numbers as ranges, in their order."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(chosen)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
