"""The plain values in a pickle, read without running any of it.

The opcodes are followed on a stack of plain values. A class is never imported and a function never called: what one
would make is an :class:`Opaque`, which keeps the state that the pickle gives it, as ``argparse.Namespace`` has.
Opcodes: the standard library's ``pickletools``.
"""

from __future__ import annotations

import pickletools
import zipfile
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from ..base.fetched.archives import check_archive
from .pickle_bounds import MOST_OPCODES, BoundsError, Opaque, check_call, check_key, check_value

LARGEST_PICKLE = 64_000_000
"""Bytes of a pickle that are read: the tensors of a checkpoint lie beside it."""
LEGACY = 4
"""In files older than PyTorch 1.6 the content is the fourth pickle: after magic number, version and machine."""
PICKLES = 5
"""That PyTorch reads of such a file: the names of the tensors' contents come last."""
ARCHIVE = b"PK\x03\x04"
DAMAGED = (OSError, zipfile.BadZipFile, ValueError, IndexError, TypeError, KeyError, AttributeError, RuntimeError)
MARK = object()
OPCODES = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}


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


def check_pickles(path: Path) -> None:
    """Make sure that PyTorch's reader comes to an end with a file, before it is let begin.

    Raises:
        BoundsError: it would not, or may not; other damage is that reader's to name.
    """
    try:
        with path.open("rb") as file:
            # As PyTorch decides: an archive may end a file that begins with a pickle.
            if file.read(len(ARCHIVE)) == ARCHIVE:
                check_members(file)
            else:
                file.seek(0)
                check_stream(BytesIO(file.read(LARGEST_PICKLE)))
    except BoundsError:
        raise
    except DAMAGED:
        return


def check_members(file: IO[bytes]) -> None:
    """Follow every pickle in an archive: readers differ in which one they take, where several have the name.

    Raises:
        BoundsError: one goes beyond its bounds.
        one of ``DAMAGED``: one is none.
    """
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.filename.endswith("data.pkl"):
                if member.file_size > LARGEST_PICKLE:
                    raise BoundsError(f"its pickle has more than {LARGEST_PICKLE / 1e6:.0f} MB")
                bounded_values(BytesIO(archive.read(member)))


def check_stream(stream: BytesIO) -> None:
    """Follow the pickles at the beginning of an old checkpoint.

    Raises:
        BoundsError: one goes beyond its bounds.
        one of ``DAMAGED``: one is none.
    """
    try:
        for _ in range(PICKLES):
            bounded_values(stream)
    except DAMAGED as error:
        if stream.tell() >= LARGEST_PICKLE:
            raise BoundsError(f"its pickle has more than {LARGEST_PICKLE / 1e6:.0f} MB") from error
        raise


def bounded_values(stream: IO[bytes]) -> None:
    """Follow a pickle to its end for :func:`check_pickles`.

    Raises:
        BoundsError: it goes beyond its bounds.
        one of ``DAMAGED``: it is none.
    """
    try:
        plain_values(stream)
    except UnicodeDecodeError as error:  # PyTorch's reader goes on where the standard library's stops
        raise BoundsError("a name in it is not ASCII") from error


def legacy_values(content: bytes) -> Any:
    """The last of the pickles that stand at the beginning of an old checkpoint."""
    stream = BytesIO(content)
    return [plain_values(stream) for _ in range(LEGACY)][-1]


def plain_values(stream: IO[bytes]) -> Any:
    """The value that the next pickle of a stream describes.

    Raises:
        BoundsError: it goes beyond its bounds.
        one of ``DAMAGED``: it is none.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for _ in range(MOST_OPCODES):
        opcode, argument = instruction(stream)
        if opcode.name == "STOP":
            check_value(stack[-1])
            return stack[-1]
        step(opcode, argument, stack, memo)
    raise BoundsError(f"its pickle has more than {MOST_OPCODES:,} instructions")


def instruction(stream: IO[bytes]) -> tuple[pickletools.OpcodeInfo, Any]:
    """The next opcode and its argument: ``pickletools.genops`` takes twice the time.

    Raises:
        one of ``DAMAGED``: there is none.
    """
    opcode = OPCODES[stream.read(1)]
    return opcode, None if opcode.arg is None else opcode.arg.reader(stream)


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
    elif name not in ("PROTO", "FRAME"):
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
        for key in values[::2]:
            check_key(key)
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
        for key in before[-1][::2]:
            check_key(key)
        return dict(zip(before[-1][::2], before[-1][1::2], strict=True))
    return opaque(name, argument, before) if before or name in CLASSES else argument


def opaque(name: str, argument: Any, before: list[Any]) -> Opaque | bytes:
    """What stands for a class, or for the object that an opcode would make; bytes are made."""
    if name == "GLOBAL":
        return Opaque(kind=str(argument).replace(" ", "."))
    if name == "STACK_GLOBAL":
        return Opaque(kind=".".join(before))  # TypeError where they are no words
    maker = before[0] if before else None
    if name in ("REDUCE", "NEWOBJ") and isinstance(maker, Opaque):
        check_call(maker.kind, before[1])
        if maker.kind == "_codecs.encode" and isinstance(before[1], tuple) and before[1][1:] == ("latin1",):
            return str.encode(before[1][0], "latin1")  # bytes, as protocol 2 writes them
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
