"""The wire format of protocol buffers, for the few messages that need no package: numbers of fields and their values.

Source: "Encoding" in the protocol buffers' documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | float | bytes
MOST_FIELDS = 1_000_000


class Room:
    """How many fields more a file may have, all of its messages together."""

    def __init__(self, left: int = MOST_FIELDS) -> None:
        self.left = left

    def take(self) -> None:
        """One field.

        Raises:
            ValueError: there is no room for it.
        """
        self.left -= 1
        if self.left < 0:
            raise ValueError("it has more fields than any light network's file")


def fields(data: bytes, room: Room | None = None) -> Iterator[tuple[int, Value]]:
    """The fields of a message in order: number, and an integer, a float or bytes.

    Args:
        data: the message.
        room: for the fields of the file that it is of; without it a message has room for itself.

    Raises:
        ValueError: the message is cut off, is none, or has too many fields.
    """
    position, room = 0, room or Room()
    while position < len(data):
        room.take()
        key, position = varint(data, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("a field has the number 0")
        value: Value
        if kind == VARINT:
            value, position = varint(data, position)
            value = value - (1 << 64) if value >> 63 else value
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            raw, position = cut(data, position, size)
            (value,) = struct.unpack("<f" if size == 4 else "<d", raw)
        elif kind == BYTES:
            size, position = varint(data, position)
            value, position = cut(data, position, size)
        else:
            raise ValueError(f"wire type {kind}")
        yield number, value


def varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned integer of up to 64 bits, and where it ends.

    Raises:
        ValueError: it is cut off or longer.
    """
    value = 0
    for shift in range(0, 70, 7):
        byte, position = cut(data, position, 1)
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            if value >> 64:
                break
            return value, position
    raise ValueError("an integer is too long")


def cut(data: bytes, position: int, size: int) -> tuple[bytes, int]:
    """``size`` bytes from ``position``, and where they end.

    Raises:
        ValueError: there are fewer.
    """
    end = position + size
    if end > len(data):
        raise ValueError(f"it ends at byte {len(data)}, in the middle of a field")
    return data[position:end], end
