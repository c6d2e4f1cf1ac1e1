"""Whole networks on LiteRT's GPU accelerator, on a software Vulkan driver: what it takes, computes and times."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated

from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.launch import call_agent
from edgekit.bench.session import Limits
from edgekit.catalog import profile_for
from edgekit.verbs.export import export
from edgekit.verbs.profile import profile

SHORT = Limits(
    warmup_min_iterations=2, warmup_min_s=0.0, min_iterations=10, min_s=0.1, max_s=10.0, target_half_width=1.0
)
ONCE = {"warmup_min_iterations": 1, "warmup_min_s": 0.0, "max_iterations": 1}
"""Of a launch that is asked where its operators run, and not how long they take."""

LOOP = """
import json, sys, time
import numpy as np
from ai_edge_litert import compiled_model, hardware_accelerator, options

hardware = hardware_accelerator.HardwareAccelerator
model = compiled_model.CompiledModel.from_file(sys.argv[1], options=options.Options(
    hardware_accelerators=hardware.GPU | hardware.CPU, gpu_options=options.GpuOptions(enforce_f32=True)))
given, taken = model.create_input_buffers(0), model.create_output_buffers(0)
given[0].write(np.random.default_rng(0).random(int(sys.argv[2]), np.float32))

model.run_by_index(0, given, taken)
taken[0].read(int(sys.argv[3]), np.float32)
enqueued, whole = [], []
for _ in range(10):
    begin = time.perf_counter_ns()
    model.run_by_index(0, given, taken)
    returned = time.perf_counter_ns()
    taken[0].read(int(sys.argv[3]), np.float32)
    whole.append(time.perf_counter_ns() - begin)
    enqueued.append(returned - begin)
print(json.dumps({"enqueued": sorted(enqueued), "whole": sorted(whole)}))
"""
"""Arguments: file, values of the input, values of the output. Each inference up to its return, and with its outputs."""


def operators_in(file: Path) -> int:
    """The operators that the flatbuffer holds, read without a runtime."""
    model = schema_py_generated.Model.GetRootAs(file.read_bytes())
    assert model.SubgraphsLength() == 1
    return int(model.Subgraphs(0).OperatorsLength())


def own_loop(file: Path, given: int, taken: int) -> dict[str, list[int]]:
    """The times of ten inferences in a process without edgekit, ns, ascending."""
    command = [sys.executable, "-c", LOOP, str(file), str(given), str(taken)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[int]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(params=["mobilenet_v2_0.25", "shufflenet_v2_0.5"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A network's artifact; made before the driver's libraries are named, which would keep children from being warm."""
    options = ExportOptions(out=tmp_path / "artifacts")
    (made,) = export([request.param], [profile_for("tflite", "fp32")], options, silent)
    assert made.folder is not None, made.error
    return made.folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_whole_network_on_the_gpu(folder: Path, lavapipe: None, tmp_path: Path) -> None:
    profiled = profile(
        [str(folder)],
        accelerator="gpu",
        require_full_delegation=True,
        limits=SHORT,
        reports_root=tmp_path / "reports",
    )
    profiled.raise_failures()
    (measured,) = profiled.measurements
    found = measured.delegation
    assert found is not None
    assert (found.name, found.share, found.partitions, found.reasons) == ("GPU WebGPU", 1.0, 1, ())

    adapter = str(measured.settings["adapter"])
    assert "llvmpipe" in adapter
    assert measured.settings["gpu_precision"] == "fp32"
    assert measured.info.emulated
    assert measured.verdict.name == "emulated"
    assert measured.verdict.reasons[0].startswith(f"{adapter} is a CPU that plays a GPU")

    artifact = read_manifest(folder).artifact
    assert measured.device_max_abs is not None
    assert 0 < measured.device_max_abs < 1e-3 * artifact.parity.reference_max_abs

    file = folder / "model.tflite"
    request = {"command": "bench", "runtime": "litert", "accelerator": "gpu", "model": str(file), **ONCE}
    told = call_agent(request, SHORT.timeout_s, "measuring")["delegation"]
    assert (told["gpu_ops"], told["cpu_ops"]) == (operators_in(file), 0)

    # The latency is that of the work, not of its submission, which alone takes some hundredths of it. A quarter leaves
    # room for a machine that other tests load now and then.
    given, taken = (math.prod(ends[0].shape) for ends in (artifact.inputs, artifact.outputs))
    times = own_loop(file, given, taken)
    enough = times["whole"][0] / 4
    assert times["enqueued"][5] < enough, "submission takes as long as the work: this shows nothing"
    assert measured.p50_ms * 1e6 >= enough
