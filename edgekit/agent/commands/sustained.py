"""The command ``sustained``."""

from __future__ import annotations

import gc
import time
from typing import List

from ..inputs import set_inputs
from ..protocol import Json, emit
from ..runtimes.choose import load_model, make_runtime
from ..sampling import middle, sample
from ..state import state


def sustained(request: Json) -> Json:
    """``sustained``: inferences without a pause for ``duration_s``, in windows of ``window_s``.

    Value: points, a list of ``{t_s, latency_ns, count, temperature_c, clock_mhz, throttled}``: middle of the window
    from the first inference on, its median, its inferences, and the hottest sensor, fastest clock and throttle flags
    at its end, each None where there is nothing to read. Reading them takes some milliseconds between two windows.
    """
    duration_s, window_s = float(request["duration_s"]), float(request.get("window_s", 1.0))
    runtime = make_runtime(request)
    load_model(runtime, request)
    set_inputs(runtime, request)
    points: List[Json] = []
    buffer = [0] * 100000
    gc.collect()
    gc.disable()
    try:
        begin = time.perf_counter_ns()
        end = begin + int(duration_s * 1e9)
        while True:
            start = time.perf_counter_ns()
            if start >= end:
                break
            # One inference at least, however long it takes; and room for all that a window holds, however short.
            until, count = min(end, start + int(window_s * 1e9)), 0
            while count == 0 or (count == len(buffer) and time.perf_counter_ns() < until):
                if count:
                    buffer += [0] * len(buffer)
                count = sample(runtime.run, buffer, count, len(buffer), until)
            stop = time.perf_counter_ns()
            now = state()
            points.append({
                "t_s": ((start + stop) / 2 - begin) / 1e9,
                "latency_ns": middle(buffer[:count]),
                "count": count,
                "temperature_c": max(now["temperature_c"].values()) if now["temperature_c"] else None,
                "clock_mhz": max(now["clock_khz"].values()) / 1000.0 if now["clock_khz"] else None,
                "throttled": now["throttled"],
            })  # fmt: skip
            if len(points) % 10 == 0:
                done = (stop - begin) / 1e9
                emit({"event": "%.0f of %.0f s, %.2f ms" % (done, duration_s, points[-1]["latency_ns"] / 1e6)})
    finally:
        gc.enable()
    return {"points": points}
