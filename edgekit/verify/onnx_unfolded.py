"""How many operators the functions of an ONNX file unfold to: a few kilobytes can mean more than any memory holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..errors import UsageError, shown
from .onnx_sound import every_node

if TYPE_CHECKING:
    from onnx import ModelProto

MOST_OPERATORS = 100_000
"""Of a network, each counted as often as it runs; large language models have some ten thousand, and ONNX
Runtime takes minutes to open a hundred thousand."""

Key = tuple[str, str]
"""Domain and name of an operator, or of the function that it calls."""


def check_unfolded(model: ModelProto, name: str) -> None:
    """Make sure that a graph stays of bearable size when a runtime puts its functions in the places of their calls.

    Args:
        model: the file.
        name: of the file, for errors.

    Raises:
        UsageError: there are too many operators, or a function calls itself.
    """
    calls = {(one.domain, one.name): Counter((n.domain, n.op_type) for n in every_node(one)) for one in model.functions}
    count = unfolded(Counter((n.domain, n.op_type) for n in every_node(model.graph)), sizes_of(calls, name))
    if count > MOST_OPERATORS:
        raise UsageError(
            f"{name} has more than {MOST_OPERATORS:,} operators" + (", its functions unfolded" if calls else ""),
            "take the file from a source that you trust, or export the network without functions",
        )


def sizes_of(calls: dict[Key, Counter[Key]], name: str) -> dict[Key, int]:
    """How many operators each function unfolds to, at most one more than are allowed.

    Args:
        calls: by function, how often it holds which operators.
        name: of the file, for errors.

    Raises:
        UsageError: one calls itself.
    """
    sizes: dict[Key, int] = {}
    for start in calls:
        waiting, open_ = [start], set[Key]()
        while waiting:  # no recursion: the functions may call each other a hundred thousand deep
            key = waiting[-1]
            open_.add(key)
            inner = [one for one in calls[key] if one in calls and one not in sizes]
            if any(one in open_ for one in inner):
                raise UsageError(f"{name} has the function {shown(key[1])}, which calls itself", "export it again")
            waiting += inner
            if not inner:
                sizes[key] = unfolded(calls[key], sizes)
                open_.discard(waiting.pop())
    return sizes


def unfolded(calls: Counter[Key], sizes: dict[Key, int]) -> int:
    """The operators that these calls mean, at most one more than are allowed."""
    return min(sum(times * sizes.get(key, 1) for key, times in calls.items()), MOST_OPERATORS + 1)
