"""The few facts that are needed of an ELF file (64 bits, little-endian): its functions, and whether it loads others.

After the System V ABI's "Object files": headers, program headers, symbol tables.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"
LOAD, INTERPRETER = 1, 3
SYMBOLS, DYNAMIC_SYMBOLS = 2, 11
FUNCTION, INDIRECT = 2, 10
"""Types of a symbol."""
UNTYPED = 0
"""Assembly without ``.type``: code where it lies in a text section and is no mapping symbol (``$x``)."""
NOWHERE, RESERVED = 0, 0xFF00
"""Sections of undefined and of absolute symbols."""


@dataclass(frozen=True)
class Image:
    """What a file says of its code.

    Attributes:
        segments: offset in the file, address, size of what is loaded.
        starts, sizes, names: functions by address, in order; size 0 where none is stated: up to the next.
        dynamic: it names a loader, so it can open libraries.
    """

    segments: tuple[tuple[int, int, int], ...] = ()
    starts: tuple[int, ...] = ()
    sizes: tuple[int, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)
    dynamic: bool = False

    def function_at(self, offset: int) -> str | None:
        """The function that holds the byte at ``offset`` of the file; None where no symbol says."""
        for begin, address, size in self.segments:
            if begin <= offset < begin + size:
                at = offset - begin + address
                number = bisect_right(self.starts, at) - 1
                if number < 0 or 0 < self.sizes[number] <= at - self.starts[number]:
                    return None  # before the first, or between two, where a library names few of its functions
                return self.names[number]
        return None


def read_image(path: Path, *, symbols: bool = True) -> Image:
    """The facts of a file; an empty :class:`Image` where it is no such ELF file.

    Args:
        path: of the file.
        symbols: read the functions, too.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return Image()
    try:
        return parse(data, symbols=symbols)
    except (struct.error, IndexError, ValueError):  # cut off, or its tables lead out of it
        return Image()


def parse(data: bytes, *, symbols: bool) -> Image:
    """As :func:`read_image`.

    Raises:
        struct.error, IndexError, ValueError: a table lies outside the file.
    """
    program, sections = struct.unpack_from("<QQ", data, 32)
    program_size, programs, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
    segments, dynamic = [], False
    for number in range(programs):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, program + number * program_size)
        dynamic |= kind == INTERPRETER
        if kind == LOAD:
            segments.append((offset, address, size))
    found: dict[int, tuple[str, int]] = {}
    if symbols:
        table = [struct.unpack_from("<IIQQQQIIQQ", data, sections + n * section_size) for n in range(section_count)]
        code = {number for number, section in enumerate(table) if section[2] & 4}  # SHF_EXECINSTR
        for section in table:
            if section[1] in (SYMBOLS, DYNAMIC_SYMBOLS):
                found |= functions(data, section[4], section[5], table[section[6]][4], code)
    starts = tuple(sorted(found))
    names, sizes = tuple(found[start][0] for start in starts), tuple(found[start][1] for start in starts)
    return Image(tuple(segments), starts, sizes, names, dynamic)


def functions(data: bytes, offset: int, size: int, strings: int, code: set[int]) -> dict[int, tuple[str, int]]:
    """The functions of a symbol table by address: name and size."""
    found: dict[int, tuple[str, int]] = {}
    for at in range(offset, offset + size - 23, 24):
        name, info, _, section, address, length = struct.unpack_from("<IBBHQQ", data, at)
        kind = info & 15
        if section == NOWHERE or section >= RESERVED or kind not in (FUNCTION, INDIRECT, UNTYPED):
            continue
        text = data[strings + name : data.index(b"\0", strings + name)].decode("utf-8", "replace")
        if not text or text.startswith("$") or (kind == UNTYPED and section not in code):
            continue
        if address not in found or kind != UNTYPED:
            found[address] = text, length
    return found
