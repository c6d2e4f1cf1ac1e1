from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.agent.protocol import AgentError
from edgekit.agent.runtimes.choose import make_runtime
from edgekit.errors import ToolError

Ask = Callable[..., dict[str, Any]]


def test_a_file_that_is_no_model_is_refused(ask: Ask, runtime: str, tmp_path: Path) -> None:
    suffix = {"onnxruntime": ".onnx", "openvino": ".xml", "litert": ".tflite"}[runtime]
    (tmp_path / f"broken{suffix}").write_bytes(b"not a model" * 10)
    with pytest.raises(ToolError, match=f"{runtime} cannot load .*broken"):
        ask("bench", runtime, model=str(tmp_path / f"broken{suffix}"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"accelerator": "gpu", "provider": "tpu"}, "'tpu' is not one; for the GPU there are cuda, "),
        ({"accelerator": "npu", "provider": "webgpu"}, "'webgpu' has no NPU; for the NPU there are openvino, qnn"),
        ({"accelerator": "gpu", "provider": "cuda"}, r"without the execution provider cuda; .*onnxruntime-gpu "),
        ({"provider": "webgpu"}, "'webgpu' cannot be chosen for onnxruntime on the cpu; it is ONNX Runtime's"),
    ],
)
def test_a_provider_that_cannot_be(more: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        make_runtime({"command": "bench", "runtime": "onnxruntime", "model": "model.onnx", **more})
