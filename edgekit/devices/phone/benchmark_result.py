"""The binary result file of LiteRT's ``benchmark_model --result_file_path``: a ``BenchmarkResult`` protobuf message.

Only what that message has is read, by a reader of the wire format small enough to need no protobuf package. Field
numbers: tflite/tools/benchmark/proto/benchmark_result.proto of google-ai-edge/LiteRT.
"""

from __future__ import annotations

import math
import struct

from ...errors import ToolError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LATENCY = {1: "avg_ms", 2: "min_ms", 3: "max_ms", 4: "stddev_ms", 5: "median_ms", 6: "p5_ms", 7: "p95_ms",
           8: "init_ms", 9: "first_inference_ms", 10: "average_warm_up_ms"}  # fmt: skip
MEMORY = {1: "init_footprint_kb", 2: "overall_footprint_kb", 3: "peak_mem_mb"}
MISC = {1: "model_size_mb", 2: "num_runs", 3: "num_warmup_runs", 4: "model_throughput_in_mb_per_sec"}
SECTIONS = {2: LATENCY, 3: MEMORY, 4: MISC}
"""Fields of the message that are messages, and the names of theirs."""

Value = int | float


def read_result(data: bytes) -> dict[str, Value]:
    """The figures of a result file by the names of their fields; fields that are not known are passed over.

    Raises:
        ToolError: it is truncated, no protobuf message, or holds something that is not a figure.
    """
    found: dict[str, Value] = {}
    for number, content in fields(data):
        if number not in SECTIONS:
            continue
        if not isinstance(content, bytes):
            raise broken(f"field {number} is not a message")
        for inner, value in fields(content):
            name = SECTIONS[number].get(inner)
            if name is None:
                continue
            if isinstance(value, bytes) or not math.isfinite(value):
                raise broken(f"{name} is no number")
            found[name] = value
    if "avg_ms" not in found:
        raise broken("it has no latency")
    return found


def fields(data: bytes) -> list[tuple[int, Value | bytes]]:
    """The fields of a message in order: number, and an integer, a float or bytes."""
    found: list[tuple[int, Value | bytes]] = []
    position = 0
    while position < len(data):
        key, position = varint(data, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise broken("a field has the number 0")
        value: Value | bytes
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
            raise broken(f"wire type {kind}")
        found.append((number, value))
    return found


def varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned integer of up to 64 bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte, position = cut(data, position, 1)
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            if value >> 64:
                break
            return value, position
    raise broken("an integer is too long")


def cut(data: bytes, position: int, size: int) -> tuple[bytes, int]:
    """``size`` bytes from ``position``, and where they end."""
    end = position + size
    if end > len(data):
        raise broken(f"it ends at byte {len(data)}, in the middle of a field")
    return data[position:end], end


def broken(why: str) -> ToolError:
    """The error of a file that is none."""
    return ToolError(f"the result file of benchmark_model cannot be read: {why}",
                     "is it LiteRT's benchmark_model? was it killed, or the disk full?")  # fmt: skip
