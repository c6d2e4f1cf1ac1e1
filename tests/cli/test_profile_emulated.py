"""The three runtimes on an emulated Raspberry Pi 4 (Cortex-A72) behind a real sshd, as a user would run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.base.images.pixels import from_output
from edgekit.base.progress import silent
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Session
from edgekit.devices.inventory import find_device
from edgekit.types.artifacts import CHECK_FILE
from edgekit.verify.parity import compare

EXPORTS = {
    "mobilenet_v3_large_1.0": ("mobilenet_v3", "--format", "tflite", "--int8"),
    "mobilenet_v2_0.25": ("mobilenet_v2_0.25", "--format", "onnx"),
    "shufflenet_v2_0.5": ("shufflenet_v2_0.5", "--format", "openvino"),
}
"""The command of the tutorial, and two small networks: an emulated core is slow."""


def cosine_here(folder: Path, scratch: Path) -> float:
    """Cosine of this machine's output for the check image against the float reference."""
    stored = read_manifest(folder)
    given, answer = scratch / "given.npy", scratch / "answer.npy"
    with np.load(folder / CHECK_FILE) as saved:
        np.save(given, saved["input"])
        reference = saved["reference"]
    Session(ThisMachine(), find_device("local")).run(stored, given, answer, silent)
    output = from_output(np.load(answer), stored.artifact.outputs[0])
    return compare(reference, output, stored.artifact.parity.tolerance, trained=False).cosine_min


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_three_runtimes_on_the_emulated_pi_4(
    emulated: None, edgekit: Callable[..., CompletedProcess[str]], project: Path, tmp_path: Path
) -> None:
    for arguments in EXPORTS.values():
        done = edgekit("export", *arguments)
        assert done.returncode == 0, done.stderr
    done = edgekit("profile", "--device", "virtual-rpi4", "--json")
    assert done.returncode == 0, done.stderr
    found = {one["model"]: one for one in json.loads(done.stdout)["measurements"]}
    assert {model: one["runtime"] for model, one in found.items()} == {
        "mobilenet_v3_large_1.0": "litert",
        "mobilenet_v2_0.25": "onnxruntime",
        "shufflenet_v2_0.5": "openvino",
    }
    for model, one in found.items():
        assert one["verdict"]["name"] == "emulated"
        assert one["info"]["machine"] == "aarch64"
        assert "4 x Cortex-A72" in one["info"]["cpu"]
        (folder,) = (project / "artifacts" / model).iterdir()
        # Float kernels of two CPUs round apart in the last bit, which turns over a code of 8 bits here and there.
        within = 1e-5 if one["precision"] == "fp32" else 1e-4
        assert one["device_cosine"] == pytest.approx(cosine_here(folder, tmp_path), abs=within)
        if one["precision"] == "fp32":
            assert one["device_max_abs"] < 1e-4
        assert (project / one["report"]).is_file()
