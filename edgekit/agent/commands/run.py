"""The command ``run``."""

from __future__ import annotations

import time

from ..protocol import Json
from ..rows import run_rows
from ..runtimes.choose import load_model, make_runtime


def run(request: Json) -> Json:
    """``run``: what a model gives for ``inputs``, written to ``outputs``; see :func:`run_rows`.

    Both files are in the model's own element types and layout; ``batch`` is the size where the model leaves it open;
    ``exact_int8``: see :class:`Runtime`. Value: count, output_dtype, seconds, settings, delegation.
    """
    runtime = make_runtime(request)
    runtime.exact_int8 = bool(request.get("exact_int8"))
    load_model(runtime, request)
    begin = time.perf_counter()
    results = run_rows(runtime, request["inputs"], request["outputs"])
    seconds = time.perf_counter() - begin
    if len(results):
        runtime.prove(request["model"])
    return {
        "count": len(results),
        "output_dtype": results.dtype.name,
        "seconds": seconds,
        "settings": runtime.settings,
        "delegation": runtime.delegation,
    }
