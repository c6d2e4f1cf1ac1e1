"""The wire format of protocol buffers."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.base.protobuf import MOST_FIELDS, Room, fields


def test_every_type_of_value() -> None:
    data = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d" + struct.pack("<f", 1.5) + b"\x21" + struct.pack("<d", -2.5)
    assert list(fields(data)) == [(1, 150), (2, b"hi"), (3, 1.5), (4, -2.5)]


def test_negative_numbers() -> None:
    assert list(fields(b"\x08" + b"\xff" * 9 + b"\x01")) == [(1, -1)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x12\x05hi", "in the middle of a field"),
        (b"\x00\x01", "number 0"),
        (b"\x0b", "wire type 3"),
        (b"\x08" + b"\xff" * 11, "too long"),
    ],
)
def test_what_is_no_message(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(fields(data))


def test_a_file_has_room_for_so_many_fields() -> None:
    room = Room(3)
    assert len(list(fields(b"\x08\x01" * 2, room))) == 2
    with pytest.raises(ValueError, match="more fields"):
        list(fields(b"\x08\x01" * 2, room))
    with pytest.raises(ValueError, match="more fields"):
        list(fields(b"\x08\x01" * (MOST_FIELDS + 1)))


@given(st.binary(max_size=100))
def test_any_bytes_end(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(fields(data))
