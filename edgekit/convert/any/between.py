"""What stands between operators in float, and would only go to int8 and back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placed:
    """An operator of a graph.

    Attributes:
        name: of the operator.
        reads, makes: its float tensors, without constants.
        fixed: it stays as it is: a layer, or the end of the network.
    """

    name: str
    reads: tuple[Hashable, ...]
    makes: tuple[Hashable, ...]
    fixed: bool


def with_between(names: Iterable[str], operators: Sequence[Placed]) -> frozenset[str]:
    """The operators of these names, and those that read from them alone, or are read by them alone."""
    made: dict[Hashable, set[str]] = {}
    read: dict[Hashable, set[str]] = {}
    for one in operators:
        for table, side in ((made, one.makes), (read, one.reads)):
            for tensor in side:
                table.setdefault(tensor, set()).add(one.name)
    found, count = set(names), -1
    while len(found) != count:
        count = len(found)
        for one in operators:
            if one.fixed or not one.makes:
                continue
            sources = [made.get(tensor, {""}) for tensor in one.reads]
            takers = [read[tensor] for tensor in one.makes if tensor in read]
            if any(sides and set().union(*sides) <= found for sides in (sources, takers)):
                found.add(one.name)
    return frozenset(found)
