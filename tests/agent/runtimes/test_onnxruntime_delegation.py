"""What an execution provider took, from what ONNX Runtime told."""

from __future__ import annotations

import pytest

from edgekit.agent.protocol import AgentError
from edgekit.agent.runtimes.onnxruntime_delegation import left_reasons, provider_delegation, refuse_device_errors

CPU, WEBGPU, OPENVINO = "CPUExecutionProvider", "WebGpuExecutionProvider", "OpenVINOExecutionProvider"
# What ONNX Runtime 1.27 (WebGPU) and 1.24 (OpenVINO's CPU device) told of the network of :func:`partial`.
BY_WEBGPU = [
    (WEBGPU, "Transpose", "Transpose"), (WEBGPU, "Conv", "conv_token_1"), (WEBGPU, "MemcpyToHost", "Memcpy_token_12"),
    (CPU, "Hardmax", "hard"), (WEBGPU, "MemcpyFromHost", "Memcpy_token_10"),
    (WEBGPU, "Transpose", "Transpose_token_0"), (WEBGPU, "MemcpyToHost", "Memcpy_token_11"), (CPU, "LRN", "lrn"),
    (WEBGPU, "MemcpyFromHost", "Memcpy"), (WEBGPU, "Transpose", "Transpose_token_8"), (WEBGPU, "Mul", "mul"),
    (WEBGPU, "GlobalAveragePool", "pool_token_5"), (WEBGPU, "Transpose", "Transpose_token_4"),
]  # fmt: skip
SAID_WEBGPU = """2026-11-24 [I:onnxruntime:, webgpu_execution_provider.cc:635 GetCapability] webgpu kernel \
not found in registries for Op type: LRN node name: lrn
2026-11-24 [I:onnxruntime:, webgpu_execution_provider.cc:635 GetCapability] webgpu kernel not found in \
registries for Op type: Hardmax node name: hard
"""
BY_OPENVINO = [
    (CPU, "Conv", "a_nchwc"), (CPU, "ReorderOutput", "ReorderOutput"), (CPU, "LRN", "lrn"), (CPU, "Hardmax", "hard"),
    (OPENVINO, "OpenVINO-EP-subgraph_4", "OpenVINOExecutionProvider_OpenVINO-EP-subgraph_4_0"),
]  # fmt: skip
ASSIGNED_OPENVINO = [
    (OPENVINO, "Mul", "mul"), (OPENVINO, "GlobalAveragePool", "pool"), (CPU, "Conv", "conv"),
    (CPU, "Hardmax", "hard"), (CPU, "LRN", "lrn"),
]  # fmt: skip


def test_changes_of_the_layout_and_copies_do_not_count() -> None:
    assert provider_delegation(WEBGPU, BY_WEBGPU, None, SAID_WEBGPU) == {
        "gpu_ops": 3, "cpu_ops": 2, "partitions": 2, "undelegated": {"Hardmax": 1, "LRN": 1},
        "reasons": ["Hardmax: no kernel for it (hard)", "LRN: no kernel for it (lrn)"],
    }  # fmt: skip


def test_a_provider_that_compiles_is_asked_for_its_operators() -> None:
    found = provider_delegation(OPENVINO, BY_OPENVINO, ASSIGNED_OPENVINO, "")
    assert (found["gpu_ops"], found["cpu_ops"], found["partitions"]) == (2, 3, 1)
    assert found["undelegated"] == {"Conv": 1, "Hardmax": 1, "LRN": 1}
    assert found["reasons"][0] == "Conv: ONNX Runtime does not say why (conv)"
    with pytest.raises(AgentError, match=r"only ONNX Runtime from 1\.24 on tells which"):
        provider_delegation(OPENVINO, BY_OPENVINO, None, "")


def test_a_provider_that_takes_nothing_is_an_error() -> None:
    only_layout = [(WEBGPU, "Transpose", "Transpose"), (CPU, "Hardmax", "hard")]
    with pytest.raises(AgentError, match=r"nothing runs on WebGpu\w+, all on the CPU: Hardmax: no kernel for it"):
        provider_delegation(WEBGPU, only_layout, None, SAID_WEBGPU)


def test_many_operators_are_named_by_three() -> None:
    said = "x: Force fallback to CPU execution for node: a because the CPU execution path is deemed faster\n"
    found = left_reasons([("Gather", name) for name in ("a", "b", "c", "", "e")], said)
    assert found == ["Gather: the CPU execution path is deemed faster (a)",
                     "Gather: ONNX Runtime does not say why (b, c, without a name, and 1 more)"]  # fmt: skip


def test_a_device_that_was_replaced_or_refused_work_is_an_error() -> None:
    replaced = "[W:onnxruntime:] Model compilation failed at OV NPU.Falling back to OV CPU for execution\n"
    with pytest.raises(AgentError, match=r"does not compile for the NPU; OpenVINO.* took the CPU instead"):
        refuse_device_errors(OPENVINO, replaced)
    with pytest.raises(AgentError, match=r"reported 1 errors .*wrong: \[Buffer\] is too large"):
        refuse_device_errors(WEBGPU, "[E:onnxruntime:] WebGPU device error(2): [Buffer] is too large\n")
    refuse_device_errors(WEBGPU, SAID_WEBGPU)
