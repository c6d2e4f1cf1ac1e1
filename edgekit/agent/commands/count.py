"""The command ``count``."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import List

from ..inputs import set_inputs
from ..machine import machine
from ..protocol import Json, emit
from ..runtimes.choose import load_model, make_runtime, positive
from ..runtimes.litert import LiteRT

MAGIC = 0x5EED
WATCH, WRITE = 0, 0xFFFF
"""Marks that begin to watch memory, and that end the counting."""


def mark(number: int) -> None:
    """Tell the emulator that counts this process where it is: a system call that does nothing else."""
    with suppress(OSError):  # there is no such process; there is to be none
        os.getpriority(os.PRIO_PROCESS, MAGIC << 16 | number)


def code_files() -> List[Json]:
    """The files that this process has mapped: begin, end, offset in the file, path.

    All, not the executable ones alone: an emulator may show a whole file with the rights of its first page.
    """
    found = []
    with open("/proc/self/maps") as stream:
        for line in stream:
            parts = line.split(None, 5)
            if len(parts) == 6 and parts[5].startswith("/"):
                begin, _, end = parts[0].partition("-")
                found.append(
                    {
                        "begin": int(begin, 16),
                        "end": int(end, 16),
                        "offset": int(parts[2], 16),
                        "path": parts[5].strip(),
                    }
                )
    return found


def count(request: Json) -> Json:
    """``count``: run inferences with marks between them, for an emulator that counts.

    Takes runtime, model, threads, inference_precision, input or seed, ``warmup`` and ``inferences`` (numbers of
    inferences), ``handicap`` as ``bench``. The garbage collector stays off. Value: runtime_version, settings, info,
    code (list of ``{begin, end, offset, path}``).
    """
    runtime = make_runtime(request)
    if isinstance(runtime, LiteRT):
        runtime.no_delegate = bool(request.get("handicap", {}).get("no_delegate"))
    emit({"event": "load"})
    load_model(runtime, request)
    set_inputs(runtime, request)
    run, inferences = runtime.run, positive(request, "inferences")
    gc.collect()
    gc.disable()
    emit({"event": "count"})
    for _ in range(positive(request, "warmup") - 1):
        run()
    mark(WATCH)
    for number in range(1 + inferences):  # the first fills the caches that the emulator plays
        run()
        mark(1 + number)
    mark(WRITE)
    return {
        "runtime_version": runtime.version,
        "settings": runtime.settings,
        "info": machine(),
        "code": code_files(),
    }
