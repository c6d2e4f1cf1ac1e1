"""Bounds on what a pickle describes: keys that are names, and values that end.

Forty bytes can describe a tuple that holds itself twice, forty times over: whoever hashes or prints it never ends; and
hashing one nested a hundred thousand deep ends the process, without an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_OPCODES = 1_000_000
"""Of a pickle: about twenty make a tensor."""
MOST_VALUES = 2_000_000
"""That a value may hold, each counted as often as it is met."""
DEEPEST = 100
MOST_PARTS = 64
"""Of a key that is a tuple."""
HASHING = {"set", "frozenset", "Counter", "OrderedDict", "dict", "defaultdict"}
"""Last words of the names of what hashes its arguments, or what stands first in them."""


class BoundsError(ValueError):
    """A pickle describes what nothing needs that holds weights."""


@dataclass(repr=False)
class Opaque:
    """An object of a class that was not made, with what the pickle sets on it or puts into it.

    Attributes:
        state: what is set by name.
        kind: full name of its class, or of the function that would make it; empty where the pickle names none.
        arguments: what that function would be called with.
        built: its state, where that is no dict.
    """

    state: dict[Any, Any] = field(default_factory=dict)
    kind: str = field(default="", compare=False)
    arguments: Any = field(default=(), compare=False)
    built: Any = field(default=None, compare=False)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Its kind alone: what it holds may hold it in turn."""
        return f"<object {self.kind}>"


def check_key(key: Any) -> None:
    """Make sure that a key is hashed and shown at once.

    Raises:
        BoundsError: it is a tuple of more than plain values, or a long one.
    """
    if isinstance(key, tuple) and (len(key) > MOST_PARTS or any(isinstance(part, tuple) for part in key)):
        raise BoundsError(f"a key is a tuple that is nested, or has more than {MOST_PARTS} parts")


def check_call(kind: str, arguments: Any) -> None:
    """Make sure that PyTorch's reader may call what it would call.

    Raises:
        BoundsError: it would hash what :func:`check_key` refuses, or take memory for bytes that are not there.
    """
    name = kind.rpartition(".")[2]
    given = arguments if isinstance(arguments, tuple | list) else ()
    if name == "bytearray" and any(isinstance(one, int) for one in given):
        raise BoundsError("it calls for bytes that the file does not hold")
    if name == "_rebuild_from_type_v2" and given and isinstance(given[0], Opaque):
        check_call(given[0].kind, given[2] if len(given) > 2 else ())
    if name in HASHING:
        for one in given:
            for item in one if isinstance(one, tuple | list | dict) else ():
                pair = isinstance(item, tuple | list) and len(item) == 2
                check_key(item[0] if pair and name not in ("set", "frozenset", "Counter") else item)


def check_value(whole: Any) -> None:
    """Make sure that whoever walks, compares or shows a value comes to an end.

    What an :class:`Opaque` holds counts for itself: nobody walks into one unasked.

    Raises:
        BoundsError: lists, tuples or dicts hold themselves, are nested too deep, or are met too often.
    """
    known: dict[int, tuple[int, int] | None] = {}
    roots = [whole]
    while roots:
        waiting = [(roots.pop(), False)]
        while waiting:
            value, done = waiting.pop()
            if done:
                known[id(value)] = size_of(value, known)
            elif isinstance(value, Opaque):
                if id(value) not in known:
                    known[id(value)] = 1, 0
                    roots += value.state, value.arguments, value.built
            elif isinstance(value, list | tuple | dict):
                if id(value) not in known:
                    known[id(value)] = None
                    waiting.append((value, True))
                    waiting += ((one, False) for one in held_by(value))
                elif known[id(value)] is None:
                    raise BoundsError("a list, tuple or dict holds itself")


def size_of(value: Any, known: dict[int, tuple[int, int] | None]) -> tuple[int, int]:
    """How many values one holds, and how deep, from what is known of those that it holds.

    Raises:
        BoundsError: too many, or too deep.
    """
    count, depth = 1, 0
    for one in held_by(value):
        inner = known.get(id(one)) or (1, 0)
        count, depth = count + inner[0], max(depth, inner[1])
    if count > MOST_VALUES:
        raise BoundsError(f"it unfolds to more than {MOST_VALUES:,} values")
    if depth >= DEEPEST:
        raise BoundsError(f"it is nested more than {DEEPEST} deep")
    return count, depth + 1


def held_by(value: Any) -> Iterable[Any]:
    """What a list, tuple or dict holds; nothing for any other value."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list | tuple) else ()
