"""Run a model on the rows of a file, and keep what it answers."""

from __future__ import annotations

from typing import Any

from .inputs import checked
from .protocol import AgentError
from .runtimes.base import Runtime


def run_rows(runtime: Runtime, inputs: str, outputs: str) -> Any:
    """Run ``inputs`` (.npy, ``(N, *sample)``) batch by batch, write ``outputs`` (.npy, ``(N, *out)``) and return them.

    A last batch that is not full is filled up with the first samples again.
    """
    import numpy as np

    if len(runtime.inputs) != 1 or len(runtime.outputs) != 1:
        raise AgentError("model", "the model has %d inputs and %d outputs; this command takes one of each" % (
            len(runtime.inputs), len(runtime.outputs)))  # fmt: skip
    samples = np.load(inputs, mmap_mode="r")
    spec = runtime.inputs[0]
    size = (spec["shape"] or [1])[0]

    def batch(start: int) -> Any:
        return np.ascontiguousarray(samples[np.arange(start, start + size) % len(samples)])

    checked(batch(0) if len(samples) else samples, spec, "a batch of " + inputs)
    results: Any = None
    for start in range(0, len(samples), size):
        runtime.set_input(0, batch(start))
        runtime.run()
        output = runtime.read(0)
        if output.shape[:1] != (size,):
            raise AgentError("model", "the model gives %s for a batch of %d" % (list(output.shape), size))
        if results is None:
            results = np.empty((len(samples), *output.shape[1:]), output.dtype)
        results[start : start + size] = output[: len(samples) - start]
    np.save(outputs, results)
    return results
