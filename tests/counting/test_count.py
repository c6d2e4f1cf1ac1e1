from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.counting import emulator
from edgekit.counting.count import count
from edgekit.counting.emulator import prepare
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.errors import ToolError


def test_an_artifact_is_counted_the_same_twice_and_by_function(counting: None, tiny: Path) -> None:
    ready = prepare(SIMULATED["sim-rpi5"], silent)
    one = count(read_manifest(tiny / "tflite-int8"), ready)
    assert one.noise is not None
    assert one.noise < 1e-2  # a few thousand instructions, of which Python's call is a part; networks: 1e-5
    assert max(one.inferences) - min(one.inferences) <= 0.01 * one.counts.instructions
    assert one.counts.dot > 0  # a Cortex-A76 has them
    assert one.core == "cortex-a76"
    assert len(one.counts.cache_misses) == 3
    assert any("xnn_" in function.name for function in one.functions)
    assert sum(function.instructions for function in one.functions) == pytest.approx(one.counts.instructions, rel=0.01)


def test_the_trees_of_boards_lead_to_the_system_and_show_their_own_cores(counting: None) -> None:
    tree = prepare(SIMULATED["sim-a53"], silent).tree
    assert "0xd03" in (tree / "proc" / "cpuinfo").read_text()
    assert (tree / "usr" / "bin" / "python3.11").is_file()
    assert prepare(SIMULATED["sim-a53"], silent).tree == tree


def test_a_model_that_the_runtime_refuses_is_a_failure(counting: None, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny / "tflite-fp32", folder)
    (folder / "model.tflite").write_bytes(b"no model")
    with pytest.raises(ToolError, match="cannot load"):
        count(read_manifest(folder), prepare(SIMULATED["sim-rpi4"], silent))


def test_paths_with_commas_reach_qemu_whole() -> None:
    assert emulator.escaped(Path("/a,b/c")) == "/a,,b/c"
    assert emulator.data_caches(SIMULATED["sim-rpi5"]) == "64:4+512:8+2048:16"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="this machine's own runtimes are for x86-64")
def test_this_machines_own_runtimes_are_counted(tiny: Path) -> None:
    """With AVX2's kernels, whatever the CPU; by function where the library has symbols, by library else."""
    if shutil.which("qemu-x86_64") is None or shutil.which("cc") is None:
        pytest.skip("needs qemu-user and gcc")
    ready = prepare(SIMULATED["sim-x86-avx2"], silent)
    litert = count(read_manifest(tiny / "tflite-fp32"), ready)
    assert litert.core == "Haswell"
    assert litert.noise is not None
    assert litert.noise < 1e-2
    assert litert.counts.fma > 0
    assert litert.counts.dot == 0  # of VNNI, which AVX2 has not
    assert len(litert.counts.cache_misses) == 3
    assert any("xnn_" in function.name for function in litert.functions)
    onnx = count(read_manifest(tiny / "onnx-fp32"), ready, repeat=False)
    assert any("onnxruntime" in function.library for function in onnx.functions)


def test_a_core_of_x86_takes_a_machine_of_x86(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(ToolError, match="which is aarch64, not x86-64"):
        prepare(SIMULATED["sim-x86-avx2"], silent)
