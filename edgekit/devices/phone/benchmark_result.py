"""The binary result file of LiteRT's ``benchmark_model --result_file_path``: a ``BenchmarkResult`` protobuf message.

Only what that message has is read, by a reader of the wire format small enough to need no protobuf package. Field
numbers: tflite/tools/benchmark/proto/benchmark_result.proto of google-ai-edge/LiteRT.
"""

from __future__ import annotations

import math

from ...base.protobuf import fields
from ...errors import ToolError

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
    try:
        found = figures(data)
    except ValueError as error:
        raise broken(str(error)) from error
    if "avg_ms" not in found:
        raise broken("it has no latency")
    return found


def figures(data: bytes) -> dict[str, Value]:
    """The figures in a message, none or many.

    Raises:
        ValueError: it is no message.
        ToolError: it holds something that is not a figure.
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
                raise broken(f"{name} is not a number")
            found[name] = value
    return found


def broken(why: str) -> ToolError:
    """The error of a file that is none."""
    return ToolError(f"the result file of benchmark_model cannot be read: {why}",
                     "is it LiteRT's benchmark_model? was it killed, or the disk full?")  # fmt: skip
