"""The child that times files of one network in turns: what tensors in float and second scales cost.

CPU time in pairs: what else the machine does changes it little. It is no latency on a device.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...agent.protocol import AgentError, Json
from ...agent.runtimes.base import Runtime
from ...agent.runtimes.choose import load_model, make_runtime
from ...base.stats import trimmed_ratio
from ...errors import ToolError
from ...types import RUNTIME_OF, FloatCost, Ratio, TensorSpec
from ..requests import FloatCostRequest

WARM_UP, PAIRS = 3, 40
"""Runs of each file before the first pair, and pairs at most."""
LEAST_PAIRS, SECONDS = 10, 4.0
"""A slow network gets fewer pairs: CPU time after which they end."""


def measure(request: FloatCostRequest) -> FloatCost:
    """Time an artifact against itself without what accuracy took, and against float32.

    Raises:
        ToolError: the runtime is missing, or cannot load a file.
    """
    files = (request.before, request.after, request.float32)
    try:
        before, after, exact = (loaded(request, *one) for one in zip(files, request.inputs, strict=True))
    except AgentError as error:
        raise ToolError(str(error)) from error
    for runtime in (before, after, exact) * WARM_UP:
        runtime.run()
    logs: list[tuple[float, float]] = []
    begin = time.process_time()
    while len(logs) < PAIRS and (len(logs) < LEAST_PAIRS or time.process_time() - begin < SECONDS):
        took = seconds(after)
        logs.append((math.log(seconds(before) / took), math.log(seconds(exact) / took)))
    without, float32 = (ratio_of(column) for column in zip(*logs, strict=True))
    return FloatCost(without=without, float32=float32)


def ratio_of(logs: Sequence[float]) -> Ratio:
    """The ratio of pairs, with its interval."""
    ratio, low, high = trimmed_ratio(logs)
    return Ratio(ratio=ratio, low=low, high=high, pairs=len(logs))


def loaded(request: FloatCostRequest, model: Path, inputs: Sequence[TensorSpec]) -> Runtime:
    """The format's runtime with a file and its inputs, whose values do not change the time."""
    asked: Json = {"runtime": RUNTIME_OF[request.format], "model": str(model), "threads": 1}
    runtime: Runtime = make_runtime(asked)
    load_model(runtime, asked)
    for place, spec in enumerate(inputs):
        runtime.set_input(place, np.ones([max(size, 1) for size in spec.shape], spec.dtype))
    return runtime


def seconds(runtime: Runtime) -> float:
    """CPU time of one inference."""
    begin = time.process_time()
    runtime.run()
    return max(time.process_time() - begin, 1e-9)
