"""The command ``run``."""

from __future__ import annotations

import time
from typing import Any

from ..inputs import checked
from ..protocol import AgentError, Json
from ..runtimes.choose import load_model, make_runtime


def run(request: Json) -> Json:
    """``run``: ``inputs`` (.npy, ``(N, *sample)``) batch by batch; writes ``outputs`` (.npy, ``(N, *out)``).

    A last batch that is not full is filled up with the first samples again. Both files are in the model's own element
    types and layout; ``batch`` is the size where the model leaves it open; ``exact_int8``: see :class:`Runtime`. Value:
    count, output_dtype, seconds, settings, delegation.
    """
    import numpy as np

    runtime = make_runtime(request)
    runtime.exact_int8 = bool(request.get("exact_int8"))
    load_model(runtime, request)
    if len(runtime.inputs) != 1 or len(runtime.outputs) != 1:
        raise AgentError("model", "the model has %d inputs and %d outputs; this command takes one of each" % (
            len(runtime.inputs), len(runtime.outputs)))  # fmt: skip
    samples = np.load(request["inputs"], mmap_mode="r")
    spec = runtime.inputs[0]
    size = (spec["shape"] or [1])[0]

    def batch(start: int) -> Any:
        return np.ascontiguousarray(samples[np.arange(start, start + size) % len(samples)])

    checked(batch(0) if len(samples) else samples, spec, "a batch of " + request["inputs"])
    results: Any = None
    begin = time.perf_counter()
    for start in range(0, len(samples), size):
        runtime.set_input(0, batch(start))
        runtime.run()
        output = runtime.read(0)
        if output.shape[:1] != (size,):
            raise AgentError("model", "the model gives %s for a batch of %d" % (list(output.shape), size))
        if results is None:
            results = np.empty((len(samples), *output.shape[1:]), output.dtype)
        results[start : start + size] = output[: len(samples) - start]
    seconds = time.perf_counter() - begin
    if len(samples):
        runtime.prove(request["model"])
    np.save(request["outputs"], results)
    return {
        "count": len(samples),
        "output_dtype": results.dtype.name,
        "seconds": seconds,
        "settings": runtime.settings,
        "delegation": runtime.delegation,
    }
