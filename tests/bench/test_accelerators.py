"""LiteRT's GPU accelerator on a software Vulkan driver: the real delegate, the real read-back, no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.launch import ThisMachine, call_agent
from edgekit.bench.session import Limits, Session
from edgekit.devices.local import LOCAL
from edgekit.errors import ToolError, VerificationError
from edgekit.types import Delegation
from edgekit.verbs.profile import refuse_partial

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"


def test_partial_delegation_is_refused_on_demand() -> None:
    class Measured:
        model, profile = "condensenet", "tflite-fp32"
        delegation = Delegation(name="GPU WebGPU", share=13 / 607, partitions=None, reasons=("GATHER_ND: no.",))

    with pytest.raises(VerificationError, match=r"GPU WebGPU takes 2\.1% of the operators .*outside stays: GATHER_ND"):
        refuse_partial(Measured())  # type: ignore[arg-type]


def test_without_a_driver_it_is_no_cpu_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere/icd.json")
    monkeypatch.setenv("VK_ICD_FILENAMES", "/nowhere/icd.json")
    request = {"command": "bench", "runtime": "litert", "accelerator": "gpu",
               "model": str(TINY / "tflite-fp32" / "model.tflite")}  # fmt: skip
    with pytest.raises(ToolError, match="no GPU adapter was found"):
        call_agent(request, 60, "measuring")


@pytest.mark.parametrize(
    ("runtime", "accelerator", "file", "message"),
    [
        ("openvino", "npu", "openvino-fp32/model.xml", r"OpenVINO sees no NPU here, only CPU"),
        ("litert", "npu", "tflite-fp32/model.tflite", "litert cannot be measured on the accelerator 'npu'"),
    ],
)
def test_what_is_not_there(runtime: str, accelerator: str, file: str, message: str) -> None:
    request = {"command": "bench", "runtime": runtime, "accelerator": accelerator, "model": str(TINY / file)}
    with pytest.raises(ToolError, match=message):
        call_agent(request, 60, "measuring")


@pytest.mark.slow
def test_the_gpu_path_computes_what_the_cpu_does(lavapipe: None, tmp_path: Path) -> None:
    stored = read_manifest(TINY / "tflite-fp32")
    limits = Limits(warmup_min_iterations=2, warmup_min_s=0.0, min_iterations=10, min_s=0.1, max_s=5.0)
    session = Session(ThisMachine(), LOCAL, accelerator="gpu", limits=limits)
    measured = session.measure(stored)
    assert measured.delegation is not None
    found = measured.delegation
    assert (found.name, found.share, found.partitions) == ("GPU WebGPU", 1.0, 1)
    assert measured.settings["gpu_precision"] == "fp32"
    assert "llvmpipe" in str(measured.settings["adapter"])
    assert measured.verdict.name == "emulated"
    assert measured.verdict.reasons == (
        f"{measured.settings['adapter']} is a CPU that plays a GPU: its latency means nothing",
    )
    assert measured.key.endswith("litert-gpu-t1")

    images = np.random.default_rng(0).random((3, *stored.artifact.inputs[0].shape[1:]), np.float32)
    np.save(tmp_path / "in.npy", images)
    outputs: dict[str, Any] = {}
    for name in ("cpu", "gpu"):
        one = Session(ThisMachine(), LOCAL, accelerator=name, limits=limits)  # type: ignore[arg-type]
        one.run(stored, tmp_path / "in.npy", tmp_path / f"{name}.npy", silent)
        outputs[name] = np.load(tmp_path / f"{name}.npy")
    np.testing.assert_allclose(outputs["gpu"], outputs["cpu"], rtol=1e-4, atol=1e-5)
