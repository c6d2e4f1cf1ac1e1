"""The command ``per_op``."""

from __future__ import annotations

import tempfile
from typing import Any, Dict, List

from ..inputs import set_inputs
from ..protocol import Json, legible
from ..runtimes.choose import load_model, make_runtime
from ..runtimes.litert import LiteRT
from ..runtimes.litert_gpu import LiteRTGpu
from ..runtimes.litert_profiler import LiteRTProfiler
from ..runtimes.onnxruntime import OnnxRuntime
from ..runtimes.onnxruntime_accelerated import OnnxRuntimeGpu
from ..runtimes.openvino import OpenVINO
from ..sampling import middle

PROFILE_SKIP = 5
"""Inferences before those whose operators are timed: the first ones set up kernels."""


def per_op(request: Json) -> Json:
    """``per_op``: time of each executed operator over ``runs`` inferences, by the runtime's own profiler.

    A launch of its own, because profiling slows the inference. Value: per_op (list of ``{name, type, ns}`` in order
    of execution, or None) and note (why None, else empty).
    """
    runtime = make_runtime(request)
    runs = request.get("runs", 50)
    if isinstance(runtime, LiteRTGpu):
        return {"per_op": None, "note": "LiteRT reports no times of the operators on a GPU"}
    if isinstance(runtime, OnnxRuntimeGpu):
        return {"per_op": None, "note": "ONNX Runtime reports no times of the operators on " + runtime.provider_name}
    if isinstance(runtime, LiteRT) and runtime.package != "ai-edge-litert":
        return {"per_op": None, "note": runtime.package + " cannot time operators"}
    with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder:
        load_model(runtime, request, folder)
        set_inputs(runtime, request)
        if isinstance(runtime, OnnxRuntime):
            times = operators_onnxruntime(runtime, runs)
        elif isinstance(runtime, LiteRT):
            times = operators_litert(runtime, runs, request["model"])
        else:
            assert isinstance(runtime, OpenVINO)
            times = operators_openvino(runtime, runs)
    for entry in times:
        entry["name"] = legible(entry["name"])
    return {"per_op": times, "note": ""}


def operators_onnxruntime(runtime: OnnxRuntime, runs: int) -> List[Json]:
    """Median of each kernel's events."""
    for _ in range(PROFILE_SKIP + runs):
        runtime.run()
    taken: Dict[Any, List[Json]] = {}
    for event in runtime.kernels():
        taken.setdefault((event["args"].get("node_index"), event["name"]), []).append(event)
    return [
        {
            "name": events[0]["name"][: -len("_kernel_time")],
            "type": events[0]["args"]["op_name"],
            "ns": middle([event["dur"] * 1000 for event in events[PROFILE_SKIP:]]),
        }
        for events in taken.values()
    ]


def operators_openvino(runtime: OpenVINO, runs: int) -> List[Json]:
    """Mean of each executed node: a difference, as the plugin tells the mean since loading, in whole microseconds."""

    def totals(count: int) -> List[float]:
        # Half a microsecond on top, because the plugin rounds down.
        return [count * (entry.real_time.total_seconds() * 1e9 + 500) for entry in runtime.request.profiling_info]

    for _ in range(PROFILE_SKIP):
        runtime.run()
    before = totals(PROFILE_SKIP)
    for _ in range(runs):
        runtime.run()
    after = totals(PROFILE_SKIP + runs)
    return [
        {"name": entry.node_name, "type": entry.node_type, "ns": max(0, round((last - first) / runs))}
        for entry, first, last in zip(runtime.request.profiling_info, before, after)  # noqa: B905  (Python 3.10)
        if "NOT_RUN" not in str(entry.status)
    ]


def operators_litert(runtime: LiteRT, runs: int, model: str) -> List[Json]:
    """Median of each operator, whether of the interpreter or inside the delegate."""
    profiler = LiteRTProfiler(runtime, model)
    taken = [profiler.run() for _ in range(PROFILE_SKIP + runs)][PROFILE_SKIP:]
    return [
        {"name": name, "type": kind, "ns": middle([one[index][2] for one in taken])}
        for index, (name, kind, _) in enumerate(taken[0])
    ]
