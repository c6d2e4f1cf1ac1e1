"""From a request to its runtime, with the model loaded."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import Any, Dict, Optional, Tuple

from ..protocol import AgentError, Json, first_line
from .base import Runtime
from .litert import LiteRT
from .litert_gpu import LiteRTGpu
from .litert_half import LiteRTHalf
from .onnxruntime import OnnxRuntime
from .onnxruntime_accelerated import OnnxRuntimeGpu, OnnxRuntimeNpu
from .openvino import OpenVINO, OpenVINOGpu, OpenVINONpu

RUNTIMES = {c.name: c for c in (OnnxRuntime, LiteRT, OpenVINO)}
ACCELERATED: Dict[Tuple[Any, Any], Any] = {
    ("litert", "gpu"): LiteRTGpu,
    ("onnxruntime", "gpu"): OnnxRuntimeGpu,
    ("onnxruntime", "npu"): OnnxRuntimeNpu,
    ("openvino", "gpu"): OpenVINOGpu,
    ("openvino", "npu"): OpenVINONpu,
}


def make_runtime(request: Json) -> Runtime:
    """Import the runtime that a request names; of ONNX Runtime also the ``provider``, a key of ``PROVIDERS``.

    ``half_compute``: LiteRT's CPU delegate computes floats in float16.
    """
    name, accelerator = request.get("runtime"), request.get("accelerator", "cpu")
    if name not in RUNTIMES:
        raise AgentError("request", "unknown runtime %r; known: %s" % (name, ", ".join(sorted(RUNTIMES))))
    if accelerator != "cpu" and (name, accelerator) not in ACCELERATED:
        can = " and ".join("%s on the %s" % pair for pair in sorted(ACCELERATED))
        raise AgentError("request", "%s cannot be measured on the accelerator %r; this agent knows the CPU, and %s" % (
            name, accelerator, can))  # fmt: skip
    threads = positive(request, "threads")
    made = ACCELERATED.get((name, accelerator), RUNTIMES[name])
    if request.get("half_compute"):
        if made is not LiteRT:
            raise AgentError("request", "half_compute is for litert on the cpu, not %s on the %s" % (name, accelerator))
        made = LiteRTHalf
    provider = request.get("provider")
    if provider is not None and not issubclass(made, OnnxRuntimeGpu):
        raise AgentError("request", "the execution provider %r cannot be chosen for %s on the %s; "
                         "it is ONNX Runtime's, for a gpu or npu" % (provider, name, accelerator))  # fmt: skip
    try:
        runtime = made(threads, request.get("inference_precision", "f32"))
    except ImportError as error:
        message = "the runtime %s cannot be imported by %s: %s" % (name, sys.executable, error)
        raise AgentError("missing-runtime", message) from error
    runtime.batch = positive(request, "batch")
    runtime.shapes = request.get("shapes", {})
    if isinstance(runtime, OnnxRuntimeGpu):
        runtime.choose(provider)
    return runtime  # type: ignore[no-any-return]


def positive(request: Json, key: str) -> int:
    """A whole number of the request, 1 when it has none. Raises AgentError for anything else."""
    value = request.get(key, 1)
    if not isinstance(value, int) or value < 1:
        raise AgentError("request", "%s must be a whole number from 1, got %r" % (key, value))
    return value


def load_model(runtime: Runtime, request: Json, profiling: Optional[str] = None) -> int:
    """Load the request's model; nanoseconds it took."""
    model = request.get("model")
    if not model or not os.path.isfile(model):
        raise AgentError("request", "no model file at %r" % (model,))
    begin = time.perf_counter_ns()
    try:
        runtime.load(model, profiling)
    except AgentError:
        raise
    except Exception as error:
        traceback.print_exc()
        raise AgentError("model", "%s cannot load %s: %s" % (runtime.name, model, first_line(error))) from error
    return time.perf_counter_ns() - begin
