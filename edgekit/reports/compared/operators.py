"""Which operators got slower: the operators of two measurements beside each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ...types import OpTime

NUMBERED = re.compile(r"(delegate )?operator \d+")
"""What the agent calls operators that have no name; the numbers shift when an operator comes or goes."""


@dataclass(frozen=True)
class OpChange:
    """Operators of one type, or one operator, in A and in B; None where a side has none.

    Attributes:
        count_a, count_b: how many operators the times are of.
    """

    name: str
    type: str
    ns_a: int | None
    ns_b: int | None
    count_a: int = 1
    count_b: int = 1

    @property
    def change_ns(self) -> int:
        """B minus A; what a side lacks takes no time."""
        return (self.ns_b or 0) - (self.ns_a or 0)


def by_operator(a: Sequence[OpTime], b: Sequence[OpTime]) -> list[OpChange]:
    """Every operator of A with its counterpart in B, the largest slowdown first.

    Counterparts have the same type, and the same name where operators have names (in TFLite they do not), in the
    same order.
    """
    named = not any(NUMBERED.fullmatch(op.name) for op in (*a, *b))
    keys_a, keys_b = ([(op.type, op.name if named else "") for op in side] for side in (a, b))
    changes = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if tag == "equal":
            changes += [OpChange(x.name, x.type, x.ns, y.ns) for x, y in zip(a[a0:a1], b[b0:b1], strict=True)]
        else:
            changes += [OpChange(op.name, op.type, op.ns, None, 1, 0) for op in a[a0:a1]]
            changes += [OpChange(op.name, op.type, None, op.ns, 0, 1) for op in b[b0:b1]]
    return sorted(changes, key=lambda change: -change.change_ns)


def by_type(a: Sequence[OpTime], b: Sequence[OpTime]) -> list[OpChange]:
    """The sum of every operator type in A and in B, the largest slowdown first."""
    changes = []
    for kind in sorted({op.type for op in (*a, *b)}):
        mine, theirs = ([op.ns for op in side if op.type == kind] for side in (a, b))
        changes.append(OpChange(kind, kind, sum(mine) or None, sum(theirs) or None, len(mine), len(theirs)))
    return sorted(changes, key=lambda change: -change.change_ns)
