"""The plain values in a pickle, read without running any of it.

The opcodes are followed on a stack of plain values. A class is never imported and a function never called: what one
would make is an :class:`Opaque`, which keeps the state that the pickle gives it, as ``argparse.Namespace`` has.
Opcodes: the standard library's ``pickletools``.
"""

from __future__ import annotations

import pickletools
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from ..base.archives import check_archive

LARGEST_PICKLE = 64_000_000
"""Bytes of a pickle that are read: the tensors of a checkpoint lie beside it."""
LEGACY = 4
"""In files older than PyTorch 1.6 the content is the fourth pickle: after magic number, version and machine."""
DAMAGED = (OSError, zipfile.BadZipFile, ValueError, IndexError, TypeError, KeyError, AttributeError, RuntimeError)
MARK = object()


@dataclass
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


def checkpoint_values(path: Path) -> Any:
    """The content of a file of ``torch.save``, each tensor an :class:`Opaque`; None for any other file."""
    try:
        check_archive(path)
        if not zipfile.is_zipfile(path):
            with path.open("rb") as stream:
                return legacy_values(stream.read(LARGEST_PICKLE))
        with zipfile.ZipFile(path) as archive:
            member = next((one for one in archive.infolist() if one.filename.endswith("/data.pkl")), None)
            if member is None or member.file_size > LARGEST_PICKLE:
                return None
            return plain_values(BytesIO(archive.read(member)))
    except DAMAGED:
        return None  # whoever loads the weights says what is wrong with them


def legacy_values(content: bytes) -> Any:
    """The last of the pickles that stand at the beginning of an old checkpoint."""
    stream = BytesIO(content)
    return [plain_values(stream) for _ in range(LEGACY)][-1]


def plain_values(stream: IO[bytes]) -> Any:
    """The value that the next pickle of a stream describes.

    Raises:
        one of ``DAMAGED``: it is none.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        step(opcode, argument, stack, memo)
    return stack[-1]


def step(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """Follow one opcode."""
    name = opcode.name
    if name.endswith("PUT") or name == "MEMOIZE":
        memo[len(memo) if argument is None else int(argument)] = stack[-1]
    elif name.endswith("GET"):
        stack.append(memo[int(argument)])
    elif name in INTO:
        put_into(stack, name)
    elif name == "MARK":
        stack.append(MARK)
    elif name == "DUP":
        stack.append(stack[-1])
    elif name == "POP_MARK":
        above_mark(stack)
    elif name == "POP":
        stack.pop()
    elif name not in ("PROTO", "FRAME", "STOP"):
        before = [taken(stack, kind) for kind in reversed(opcode.stack_before)]
        stack.append(made(name, argument, before[::-1]))


INTO = {"APPEND": 1, "APPENDS": 0, "ADDITEMS": 0, "SETITEM": 2, "SETITEMS": 0, "BUILD": 1}
"""Opcodes that change the object below what they take, and how many values that is; 0 for all above the mark."""


def put_into(stack: list[Any], name: str) -> None:
    """Put values into the list, dict or object below them."""
    count = INTO[name]
    values = stack[-count:] if count else above_mark(stack)
    if count:
        del stack[-count:]
    target = stack[-1]
    inside = target.state if isinstance(target, Opaque) else target
    if name.startswith("SETITEM"):
        inside.update(zip(values[::2], values[1::2], strict=True))
    elif name == "BUILD":
        if isinstance(target, Opaque) and isinstance(values[0], dict):
            target.state.update(values[0])
        elif isinstance(target, Opaque):
            target.built = values[0]
    elif isinstance(target, list):
        target.extend(values)


def taken(stack: list[Any], kind: pickletools.StackObject) -> Any:
    """What an opcode takes from the stack in one place; all values above the mark for a slice."""
    if kind is pickletools.stackslice:
        return above_mark(stack)
    return None if kind is pickletools.markobject else stack.pop()


EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": list}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
CLASSES = ("GLOBAL", "INST", "PERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER")


def made(name: str, argument: Any, before: list[Any]) -> Any:
    """What an opcode leaves on the stack: a constant, a tuple, list or dict, else an :class:`Opaque`."""
    if name in EMPTY:
        return EMPTY[name]()
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name.startswith("TUPLE"):
        return tuple(before[-1] if name == "TUPLE" else before)
    if name in ("LIST", "FROZENSET"):
        return list(before[-1])
    if name == "DICT":
        return dict(zip(before[-1][::2], before[-1][1::2], strict=True))
    return opaque(name, argument, before) if before or name in CLASSES else argument


def opaque(name: str, argument: Any, before: list[Any]) -> Opaque | bytes:
    """What stands for a class, or for the object that an opcode would make; bytes are made."""
    if name == "GLOBAL":
        return Opaque(kind=str(argument).replace(" ", "."))
    if name == "STACK_GLOBAL":
        return Opaque(kind=".".join(map(str, before)))
    maker = before[0] if before else None
    if name in ("REDUCE", "NEWOBJ") and isinstance(maker, Opaque):
        if maker.kind == "_codecs.encode" and before[1][1:] == ("latin1",):
            return str(before[1][0]).encode("latin1")  # bytes, as protocol 2 writes them
        return Opaque(kind=maker.kind, arguments=before[1])
    return Opaque()


def above_mark(stack: list[Any]) -> list[Any]:
    """Take the values above the topmost mark, and the mark, from the stack.

    Raises:
        IndexError: there is no mark.
    """
    values = []
    while (value := stack.pop()) is not MARK:
        values.append(value)
    return values[::-1]
