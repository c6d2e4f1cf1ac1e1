"""The command ``throughput``."""

from __future__ import annotations

import gc
import threading
import time
from typing import List

from ..cores import affinity
from ..inputs import set_inputs
from ..protocol import AgentError, Json, emit
from ..runtimes.base import Runtime
from ..runtimes.choose import load_model, make_runtime, positive
from ..runtimes.openvino import OpenVINO

MOST_STREAMS = 256
LATE_S = 60.0
"""How long after the window a stream may take to end its last inference."""


class Stream:
    """One thread that computes one inference after another between two moments."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.samples: List[int] = []
        self.error = ""

    def work(self, until: int) -> None:
        """Infer until ``until`` (perf_counter_ns); only what ends by then is kept."""
        run, clock, keep = self.runtime.run, time.perf_counter_ns, self.samples.append
        try:
            begin = clock()
            while begin < until:
                run()
                end = clock()
                if end <= until:
                    keep(end - begin)
                begin = end
        except Exception as error:  # noqa: BLE001  (whatever a runtime raises ends the whole, and is told there)
            self.error = "%s: %s" % (type(error).__name__, error)


def throughput(request: Json) -> Json:
    """``throughput``: inferences in ``streams`` threads at once, for ``warmup_min_s`` and then ``duration_s``.

    ONNX Runtime and LiteRT get a session for each stream, with ``threads`` threads of its own. OpenVINO gets one model
    compiled for as many streams, with ``streams`` times ``threads`` threads, and a request for each. Value: streams,
    cpus (that this process may use; None where the system does not tell), window_s, counts (inferences of each stream
    that ended in the window), samples_ns (each one's time, while the others worked too), settings.
    """
    streams = positive(request, "streams")
    if streams > MOST_STREAMS:
        raise AgentError("request", "streams must be at most %d, got %d" % (MOST_STREAMS, streams))
    if request.get("accelerator", "cpu") != "cpu":
        raise AgentError("request", "streams are measured on the cpu, not on the %s" % request["accelerator"])
    workers = [Stream(runtime) for runtime in loaded(request, streams)]
    gc.collect()
    gc.disable()
    try:
        emit({"event": "warm-up"})
        together(workers, float(request.get("warmup_min_s", 0.5)))
        for worker in workers:
            worker.samples = []
        emit({"event": "measure"})
        window_s = together(workers, float(request["duration_s"]))
    finally:
        gc.enable()
    if not any(worker.samples for worker in workers):
        raise AgentError("request", "no inference ended within %g s: measure longer" % float(request["duration_s"]))
    cpus = affinity()
    return {
        "streams": streams,
        "cpus": None if cpus is None else len(cpus),
        "window_s": window_s,
        "counts": [len(worker.samples) for worker in workers],
        "samples_ns": [ns for worker in workers for ns in worker.samples],
        "settings": workers[0].runtime.settings,
    }


def loaded(request: Json, streams: int) -> List[Runtime]:
    """A loaded runtime for each stream, with inputs set."""
    first = make_runtime(request)
    runtimes = [first]
    if isinstance(first, OpenVINO):
        first.settings = dict(
            first.settings, NUM_STREAMS=streams, INFERENCE_NUM_THREADS=streams * positive(request, "threads")
        )
        load_model(first, request)
        runtimes += [first.beside() for _ in range(streams - 1)]
    else:
        first.settings = dict(first.settings, sessions=streams)
        load_model(first, request)
        for _ in range(streams - 1):
            runtimes.append(make_runtime(request))
            load_model(runtimes[-1], request)
    for runtime in runtimes:
        set_inputs(runtime, request)
    return runtimes


def together(workers: List[Stream], duration_s: float) -> float:
    """Let all work at once for so long; the seconds."""
    begin = time.perf_counter_ns()
    until = begin + int(duration_s * 1e9)
    threads = [threading.Thread(target=worker.work, args=(until,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, (until - time.perf_counter_ns()) / 1e9) + LATE_S)
        if thread.is_alive():
            raise AgentError("model", "a stream did not end %g s after its time" % LATE_S)
    for worker in workers:
        if worker.error:
            raise AgentError("model", "a stream failed: %s" % worker.error)
    return duration_s
