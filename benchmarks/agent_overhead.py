"""What the agent itself adds to every sample: the latency of a model that does nothing, and of timing nothing at all.

``python agent_overhead.py`` prints the medians in microseconds. It makes an ONNX model of one Identity on one number;
what is left is the runtime's own call, the binding and the clock.
"""
# ruff: noqa: T201, TID253 - a program, not a package; it prints

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import onnx
import openvino
from onnx import TensorProto, helper

from edgekit.bench import agent
from edgekit.bench.launch import call_agent


def make_identity(folder: Path) -> dict[str, Path]:
    """The empty model for ONNX Runtime and OpenVINO."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "empty", value[:1], value[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "empty.onnx"
    )
    openvino.save_model(openvino.convert_model(folder / "empty.onnx"), folder / "empty.xml")
    return {"onnxruntime": folder / "empty.onnx", "openvino": folder / "empty.xml"}


def main() -> None:
    """Print the overheads."""
    samples = [0] * 20000
    agent.sample(lambda: None, samples, 0, len(samples), 1 << 62)
    print(f"timing an empty function: {statistics.median(samples) / 1e3:.2f} us")
    with tempfile.TemporaryDirectory() as folder:
        for runtime, model in make_identity(Path(folder)).items():
            request = {"command": "bench", "runtime": runtime, "model": str(model), "threads": 1}
            value = call_agent(request, 120, f"measuring an empty model on {runtime}")
            median = statistics.median(value["samples_ns"]) / 1e3
            print(f"an empty model on {runtime}: {median:.2f} us (n = {len(value['samples_ns'])})")


if __name__ == "__main__":
    main()
