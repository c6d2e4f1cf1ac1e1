from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.devices.phone.benchmark_result import read_result
from edgekit.errors import ToolError


def message(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def number32(number: int, value: float) -> bytes:
    return struct.pack("<Bf", number << 3 | 5, value)


# By hand, in protobuf's encoding: name "x", latency (avg 4.5, min 4, median 4.25), memory (300 kB, -1 kB), misc
# (num_runs 50), and a field 15 that is not known.
WHOLE = (
    message(1, b"x")
    + message(2, number32(1, 4.5) + number32(2, 4.0) + number32(5, 4.25))
    + message(3, b"\x08\xac\x02" + b"\x10" + b"\xff" * 9 + b"\x01")
    + message(4, b"\x10\x32")
    + b"\x7a\x01z"
)


def test_a_result_file() -> None:
    assert read_result(WHOLE) == {
        "avg_ms": 4.5, "min_ms": 4.0, "median_ms": 4.25, "init_footprint_kb": 300, "overall_footprint_kb": -1,
        "num_runs": 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has no latency"),
        (message(2, number32(1, math.nan)), "avg_ms is not a number"),
        (message(2, message(1, b"4.5")), "avg_ms is not a number"),
        (b"\x10\x01", "field 2 is not a message"),
        (b"\x00", "the number 0"),
        (b"\x13", "wire type 3"),
        (b"\xff" * 11, "an integer is too long"),
        (WHOLE[:-1], "in the middle of a field"),
    ],
)
def test_what_is_no_result_file(data: bytes, why: str) -> None:
    with pytest.raises(ToolError, match=why):
        read_result(data)


@given(st.binary(max_size=80), st.integers(0, len(WHOLE)))
def test_garbage_is_an_error_or_figures(noise: bytes, where: int) -> None:
    for data in (noise, WHOLE[:where], WHOLE[:where] + noise + WHOLE[where:]):
        try:
            found = read_result(data)
        except ToolError as error:
            assert "cannot be read" in str(error)  # noqa: PT017
        else:
            assert all(math.isfinite(value) for value in found.values())
