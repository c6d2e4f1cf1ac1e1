"""ONNX Runtime's execution providers: the real WebGPU one on a software Vulkan driver, in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.launch import ThisMachine, call_agent, run_agent
from edgekit.bench.session import Limits, Session
from edgekit.devices.local import LOCAL
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.devices import add_device, check_device
from edgekit.verbs.profile import known_provider, profile

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
ONNX = {"command": "bench", "runtime": "onnxruntime", "model": str(TINY / "onnx-fp32" / "model.onnx")}
SHORT = Limits(warmup_min_iterations=2, warmup_min_s=0.0, min_iterations=10, min_s=0.1, max_s=5.0)
WEBGPU = "WebGpuExecutionProvider"


def network(path: Path, nodes: Sequence[onnx.NodeProto], shape: Sequence[int]) -> Path:
    """A file that computes ``y`` of ``shape`` from ``x``, an 8 x 8 image."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], np.linspace(-1, 1, 108).tolist())
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)] for name, dims in
            (("x", [1, 3, 8, 8]), ("y", shape))]  # fmt: skip
    graph = helper.make_graph(nodes, "network", *ends, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def partial(path: Path) -> Path:
    """A network with two operators that WebGPU has no kernel for."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Hardmax", ["a"], ["b"], name="hard", axis=1),
        helper.make_node("LRN", ["a"], ["c"], name="lrn", size=3),
        helper.make_node("Mul", ["b", "c"], ["d"], name="mul"),
        helper.make_node("GlobalAveragePool", ["d"], ["y"], name="pool"),
    ]
    return network(path, nodes, [1, 4, 1, 1])


def test_a_plain_onnxruntime_says_which_package_has_a_provider() -> None:
    with pytest.raises(ToolError, match=r"built with .*CPUExecution\w+, without any for the GPU; .*onnxruntime-webgpu "
                       r"\(webgpu\), in an environment without the package onnxruntime") as caught:  # fmt: skip
        call_agent({**ONNX, "accelerator": "gpu"}, 60, "measuring")
    assert "edgekit devices add NAME local --python PATH" in caught.value.hint


def test_a_provider_by_either_name() -> None:
    assert known_provider("webgpu", "gpu", None) == "webgpu"
    assert known_provider("WebGpuExecutionProvider", "gpu", "onnxruntime") == "webgpu"
    assert known_provider(None, "cpu", "litert") is None
    with pytest.raises(UsageError, match="needs an accelerator"):
        known_provider("webgpu", "cpu", None)
    with pytest.raises(UsageError, match="is of ONNX Runtime, not of litert"):
        known_provider("webgpu", "gpu", "litert")
    with pytest.raises(UsageError, match=r"'wbgpu' for the GPU; there are cuda, .*webgpu") as caught:
        known_provider("wbgpu", "gpu", None)
    assert caught.value.hint == "did you mean webgpu?"


def test_another_interpreter_of_this_machine_sees_no_neighbours_of_the_agent(
    old_python: Path, agent_program: Path, tmp_path: Path
) -> None:
    there = ThisMachine(str(old_python))
    assert run_agent(there, {"command": "info"}, {}, 60, "asking")["versions"]["onnxruntime"] == "1.17.3"
    with pytest.raises(ToolError) as caught:
        run_agent(there, {"command": "bench", "runtime": "openvino", "model": "x"}, {}, 60, "measuring")
    assert caught.value.hint == f"pip install openvino (for {old_python})"
    shutil.copy(agent_program, tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('a neighbour')")
    (tmp_path / "request.json").write_text('{"command": "info"}')
    subprocess.run(there.command(str(tmp_path / agent_program.name), str(tmp_path / "request.json")), check=True)


@pytest.fixture
def webgpu(lavapipe: None, webgpu_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
    """This machine by the interpreter that has WebGPU, which is the device ``webgpu`` of an empty project."""
    monkeypatch.chdir(tmp_path)
    add_device("webgpu", "local", python=str(webgpu_python))
    return ThisMachine(str(webgpu_python))


def bench(there: ThisMachine, model: Path, **more: Any) -> dict[str, Any]:
    request = {**ONNX, "accelerator": "gpu", **SHORT.request(), **more}
    return run_agent(there, request, {"model": [model]}, 120, "measuring")


@pytest.mark.slow
def test_a_whole_network_on_webgpu(webgpu: ThisMachine, tmp_path: Path) -> None:
    checks = {check.name: check.detail for check in check_device("webgpu", silent).checks}
    assert checks["onnxruntime"] == "onnxruntime-webgpu 1.27.0"
    stored = read_manifest(TINY / "onnx-fp32")
    asked: dict[str, Any] = {"accelerator": "gpu", "provider": "webgpu", "reports_root": tmp_path, "limits": SHORT}
    profiled = profile([str(stored.folder)], "webgpu", require_full_delegation=True, **asked)
    profiled.raise_failures()
    (measured,) = profiled.measurements
    found = measured.delegation
    assert found is not None
    assert (found.name, found.share, found.partitions, found.undelegated) == (WEBGPU, 1.0, 1, {})
    assert measured.settings["execution_provider"] == WEBGPU
    assert measured.settings["gpu_precision"] == "fp32"
    assert "llvmpipe" in str(measured.settings["adapter"])
    assert measured.verdict.name == "emulated"
    assert measured.versions["onnxruntime-webgpu"] == "1.27.0"
    assert profile([str(stored.folder)], "webgpu", resume=True, **asked).skipped == 1

    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((3, *stored.artifact.inputs[0].shape[1:]), np.float32))
    outputs = []
    for session in (Session(ThisMachine(), LOCAL), Session(webgpu, LOCAL, accelerator="gpu")):
        session.run(stored, tmp_path / "in.npy", tmp_path / "out.npy", silent)
        outputs.append(np.load(tmp_path / "out.npy"))
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_part_of_a_network_on_webgpu(webgpu: ThisMachine, tmp_path: Path) -> None:
    told = bench(webgpu, partial(tmp_path / "partial.onnx"))["delegation"]
    assert (told["gpu_ops"], told["cpu_ops"], told["partitions"]) == (3, 2, 2)
    assert told["reasons"] == ["Hardmax: no kernel for it (hard)", "LRN: no kernel for it (lrn)"]
    assert told["emulated"]


@pytest.mark.slow
def test_a_silent_fallback_to_the_cpu_is_an_error(
    webgpu: ThisMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [helper.make_node("Hardmax", ["x"], ["y"], name="hard", axis=1)]
    with pytest.raises(ToolError, match=r"nothing runs on WebGpu.* all on the CPU: Hardmax: no kernel for it"):
        bench(webgpu, network(tmp_path / "none.onnx", nodes, [1, 3, 8, 8]))
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.setenv(name, "/nowhere/icd.json")
    with pytest.raises(ToolError, match=r"Failed to get a WebGPU adapter: No supported adapters \(a Vulkan driver"):
        bench(webgpu, partial(tmp_path / "partial.onnx"))
