"""The command ``run``."""

from __future__ import annotations

import time
from typing import Any

from ..inputs import checked
from ..protocol import AgentError, Json
from ..runtimes.choose import load_model, make_runtime


def run(request: Json) -> Json:
    """``run``: ``inputs`` (.npy, ``(N, *sample)``) one at a time; writes ``outputs`` (.npy, ``(N, *out)``).

    Both in the model's own element types and layout; ``exact_int8``: see :class:`Runtime`. Value: count, output_dtype,
    seconds, settings, delegation.
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
    if spec["shape"][:1] != [1]:
        raise AgentError("model", "the model's input has batch %s; this command takes 1" % spec["shape"][:1])
    checked(samples[:1] if len(samples) else samples, spec, "each of " + request["inputs"])
    results: Any = None
    begin = time.perf_counter()
    for index in range(len(samples)):
        runtime.set_input(0, np.ascontiguousarray(samples[index : index + 1]))
        runtime.run()
        output = runtime.read(0)
        if results is None:
            results = np.empty((len(samples), *output.shape[1:]), output.dtype)
        results[index] = output[0]
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
