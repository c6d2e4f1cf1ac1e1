"""ONNX Runtime's execution providers for accelerators, and the packages that have them."""

from __future__ import annotations

from typing import Dict

from .protocol import Json

# ONNX Runtime's execution providers that compute on an accelerator alone, by the name that ``--provider`` takes: their
# name there, the package that has them, and the options that choose each accelerator. CoreML's is not one of them: it
# leaves to the system what the CPU computes, and tells nobody. The first that is there is taken.
PROVIDERS: Dict[str, Json] = {
    "cuda": {"name": "CUDAExecutionProvider", "package": "onnxruntime-gpu", "gpu": {}},
    "migraphx": {"name": "MIGraphXExecutionProvider", "package": "onnxruntime-migraphx", "gpu": {}},
    "directml": {"name": "DmlExecutionProvider", "package": "onnxruntime-directml", "gpu": {}},
    "openvino": {"name": "OpenVINOExecutionProvider", "package": "onnxruntime-openvino",
                 "gpu": {"device_type": "GPU"}, "npu": {"device_type": "NPU"}},
    "qnn": {"name": "QNNExecutionProvider", "package": "onnxruntime-qnn", "npu": {"backend_type": "htp"}},
    "webgpu": {"name": "WebGpuExecutionProvider", "package": "onnxruntime-webgpu", "gpu": {}},
}  # fmt: skip
