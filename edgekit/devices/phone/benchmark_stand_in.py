#!/usr/bin/python3
"""Replaces ``benchmark_model`` on an emulated phone, where the real one is not available, and says so.

It runs the model by real LiteRT and prints what the real program prints; of the flags it knows those used here.
"""

from __future__ import annotations

import math
import struct
import sys
import time


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def main(arguments: list[str]) -> int:
    """Run one benchmark; the exit code."""
    flags = dict(word[2:].partition("=")[::2] for word in arguments)
    if "help" in flags:
        say(
            "usage: benchmark_model (edgekit's stand-in)\nFlags:\n\t--graph=\tstring\tthe model"
            "\n\t--result_file_path=\tstring\tfile for the summary"
        )
        return 1
    say("STARTING!\nThis is edgekit's stand-in for benchmark_model: LiteRT's interpreter on an emulated phone")
    if flags.get("use_gpu") == "true":
        say("ERROR: the GPU delegate is not supported here; running on the CPU")
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    begin = time.perf_counter()
    interpreter = Interpreter(flags["graph"], num_threads=int(flags.get("num_threads", "1")))
    interpreter.allocate_tensors()
    init_us = (time.perf_counter() - begin) * 1e6
    generator = np.random.RandomState(0)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], generator.random_sample(detail["shape"]).astype(detail["dtype"]))

    def stage(runs: int, least_s: float, most_s: float) -> list[int]:
        say(
            f"Running benchmark for at least {runs} iterations and at least {least_s:g} seconds but terminate if "
            f"exceeding {most_s:g} seconds."
        )
        took: list[int] = []
        start = time.perf_counter()
        while (len(took) < runs or time.perf_counter() < start + least_s) and time.perf_counter() < start + most_s:
            before = time.perf_counter()
            interpreter.invoke()
            took.append(max(1, int((time.perf_counter() - before) * 1e6)))
        if len(set(took)) == 1:
            say(f"count={len(took)} curr={took[-1]}\n")
        else:
            mean = sum(took) / len(took)
            deviation = math.sqrt(sum((t - mean) ** 2 for t in took) / len(took))
            say(
                f"count={len(took)} first={took[0]} curr={took[-1]} min={min(took)} max={max(took)} avg={mean:g} "
                f"std={deviation:.0f}\n"
            )
        return took

    most = float(flags.get("max_secs", "150"))
    warm = stage(int(flags.get("warmup_runs", "1")), float(flags.get("warmup_min_secs", "0.5")), most)
    took = stage(int(flags.get("num_runs", "50")), float(flags.get("min_secs", "1.0")), most)
    say(
        f"Inference timings in us: Init: {init_us:.0f}, First inference: {warm[0]}, "
        f"Warmup (avg): {sum(warm) / len(warm):g}, Inference (avg): {sum(took) / len(took):g}"
    )
    if "result_file_path" in flags:
        figures = {1: sum(took) / len(took), 2: min(took), 3: max(took), 8: init_us, 9: warm[0]}
        latency = b"".join(struct.pack("<Bf", number << 3 | 5, us / 1000) for number, us in figures.items())
        with open(flags["result_file_path"], "wb") as stream:  # noqa: PTH123
            stream.write(bytes([2 << 3 | 2, len(latency)]) + latency)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
