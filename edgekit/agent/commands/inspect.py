"""The command ``inspect``: what a file holds, and what the runtime makes of it."""

from __future__ import annotations

import tempfile
from typing import Any, List

from ..inputs import set_inputs
from ..protocol import Json, legible
from ..runtimes.choose import load_model, make_runtime
from ..runtimes.litert import LiteRT
from ..runtimes.onnxruntime import OnnxRuntime
from ..runtimes.openvino import OpenVINO
from ..runtimes.tensors import numpy_name
from .inspect_litert import inspect_litert
from .inspect_openvino import inspect_openvino


def inspect(request: Json) -> Json:
    """``inspect``: facts for an audit.

    Takes runtime, model, threads, ``signed_int8`` (see :class:`Runtime`).

    Value: inputs, outputs (see :func:`tensor_spec`); nodes (operators of the file) and executed (after the runtime's
    own optimisation), each ``{type, name, inputs: [dtype], outputs: [dtype]}``; tensors; delegate or None. A node also
    has the ids of the tensors that it reads and writes. For ONNX nodes and tensors are empty: the onnx package reads
    them, on the host.
    """
    runtime = make_runtime(request)
    runtime.signed_int8 = bool(request.get("signed_int8"))
    with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder:
        load_model(runtime, request, folder)
        set_inputs(runtime, request)
        runtime.run()
        if isinstance(runtime, OnnxRuntime):
            facts = inspect_onnxruntime(runtime)
        elif isinstance(runtime, LiteRT):
            facts = inspect_litert(runtime)
        else:
            assert isinstance(runtime, OpenVINO)
            facts = inspect_openvino(runtime)
    for entry in facts["nodes"] + facts["executed"] + facts["tensors"]:
        if "name" in entry:
            entry["name"] = legible(entry["name"])
    facts.update(inputs=runtime.inputs, outputs=runtime.outputs)
    facts.update(runtime_version=runtime.version, settings=runtime.settings)
    return facts


def inspect_onnxruntime(runtime: OnnxRuntime) -> Json:
    """The kernels that ONNX Runtime ran, from its own profile, in order."""

    def types(entries: Any) -> List[str]:
        return [numpy_name(name) for entry in entries for name in entry]

    executed = [
        {
            "type": event["args"]["op_name"],
            "name": event["name"][: -len("_kernel_time")],
            "inputs": types(event["args"].get("input_type_shape", [])),
            "outputs": types(event["args"].get("output_type_shape", [])),
        }
        for event in runtime.kernels()
    ]
    return {"nodes": [], "executed": executed, "tensors": [], "delegate": None}
