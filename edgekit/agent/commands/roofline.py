"""The command ``roofline``."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, List

from ..machine import machine, room
from ..protocol import AgentError, Json
from ..state import state

MATRICES = [256, 384, 512]
"""Rows of the square matrices whose product shows the float32 peak; small, so that some run between interruptions."""
FOOTPRINTS = [1 << power for power in range(18, 29, 2)]
"""Bytes gone through by a copy, source and copy together: 256 KB to 256 MB, from a core's cache to memory."""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")


def roofline(request: Json) -> Json:
    """``roofline``: the most that this machine does: float32 MACs a second, and bytes a second by footprint.

    Takes threads (of the product; a copy has one) and ``max_s`` of each of the two. The best of the repetitions counts:
    what disturbs can only make it slower. Value: threads, fp32_macs_per_s, blas, bandwidth (list of ``{footprint_bytes,
    bytes_per_s}``, read and written bytes both counted), info, state_before, state_after.
    """
    threads, max_s = request.get("threads", 1), request.get("max_s", 2.0)
    if not isinstance(threads, int) or threads < 1:
        raise AgentError("request", "threads must be a whole number from 1, got %r" % (threads,))
    for name in BLAS_THREADS:  # read once, when numpy loads its BLAS
        os.environ[name] = str(threads)
    import numpy as np

    before = state()
    generator = np.random.RandomState(0)
    peak = 0.0
    for size in MATRICES:
        left, right = (generator.random_sample((size, size)).astype(np.float32) for _ in range(2))
        product = np.empty_like(left)
        seconds = best_seconds(lambda: np.matmul(left, right, out=product), max_s / len(MATRICES))  # noqa: B023
        peak = max(peak, size**3 / seconds)
    # A copy is only as good as the memory that is free for it.
    most = (room()["memory_bytes"] or FOOTPRINTS[-1] * 4) // 4
    rows = []
    for footprint in [size for size in FOOTPRINTS if size <= most]:
        source = np.ones(footprint // 2, np.uint8)
        target = np.empty_like(source)
        copied = best_seconds(lambda: np.copyto(target, source), max_s / len(FOOTPRINTS))  # noqa: B023
        rows.append({"footprint_bytes": footprint, "bytes_per_s": footprint / copied})
    return {
        "threads": threads,
        "fp32_macs_per_s": peak,
        "blas": "numpy %s's BLAS" % np.__version__,
        "bandwidth": rows,
        "info": machine(),
        "state_before": before,
        "state_after": state(),
    }


def best_seconds(work: Callable[[], Any], max_s: float) -> float:
    """The shortest of at least three calls, as many as ``max_s`` allows; the first, which warms up, is left out."""
    work()
    taken: List[int] = []
    deadline = time.perf_counter_ns() + int(max_s * 1e9)
    while len(taken) < 3 or time.perf_counter_ns() < deadline:
        begin = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - begin)
    return min(taken) / 1e9
