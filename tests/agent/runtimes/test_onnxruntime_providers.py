from __future__ import annotations

from edgekit.agent.providers import PROVIDERS
from edgekit.agent.runtimes.onnxruntime_providers import provider_failure, provider_options
from edgekit.agent.versions import VERSIONED
from edgekit.types import PACKAGES_OF, RUNTIME_OF


def test_why_a_provider_does_not_start() -> None:
    openvino = ("\x1b[1;31m2026-11-24 [E:onnxruntime:Default, provider_bridge_ort.cc:2310 Create] /onnxruntime/"
                "openvino_provider_factory.cc:141 std::string ParseDeviceType() [ERROR] [OpenVINO] Device NPU is not "
                "available\n\x1b[m\n")  # fmt: skip
    assert provider_failure(openvino, None) == "[OpenVINO] Device NPU is not available"
    assert provider_failure("", None) == "ONNX Runtime does not say why"


def test_float32_is_asked_for_where_a_provider_would_round() -> None:
    assert provider_options("cuda", "gpu", "f32") == ({"use_tf32": "0"}, "fp32")
    assert provider_options("openvino", "gpu", "f32") == ({"device_type": "GPU", "precision": "FP32"}, "fp32")
    assert provider_options("openvino", "npu", "f32") == ({"device_type": "NPU", "precision": "FP16"}, "fp16")
    assert provider_options("webgpu", "gpu", "default") == ({}, "fp16")


def test_the_packages_are_known_on_both_sides() -> None:
    packages = {one["package"] for one in PROVIDERS.values()} | {"onnxruntime"}
    assert set(PACKAGES_OF[RUNTIME_OF["onnx"]]) == packages
    assert packages <= set(VERSIONED)
