"""What LiteRT's GPU accelerator says of its work."""

from __future__ import annotations

import pytest

from edgekit.agent.protocol import AgentError
from edgekit.agent.runtimes.litert_gpu_log import gpu_delegation, refuse_invalid

FULL = """INFO: [accelerator_registry.cc:54] RegisterAccelerator: ptr=0x563453e70700, name=GPU WebGPU
I0000 00:00:1795509593.796015    4509 environment.cc:532] Selected adapter: Mali-G710, arch=valhall, vendor=arm, \
backend=Vulkan, adapterType=Integrated GPU
I0000 00:00:1795509593.960632    4509 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
"""
PART = """INFO: [accelerator_registry.cc:54] RegisterAccelerator: ptr=0x563453e70700, name=GPU WebGPU
I0000 00:00:1795509565.675992    3940 environment.cc:532] Selected adapter: llvmpipe (LLVM 15.0.6, 256 bits), \
arch=software, vendor=mesa, backend=Vulkan, adapterType=CPU / Software
ERROR: Following operations are not supported by GPU delegate:
GATHER_ND: Operation is not supported.
13 operations will run on the GPU, and the remaining 594 operations will run on the CPU.
I0000 00:00:1795509593.960632    4509 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
"""
"""What LiteRT 2.3 printed: for a whole network (the adapter's name changed), and for CondenseNet."""


def test_everything_on_the_gpu() -> None:
    assert gpu_delegation(FULL, 63) == {
        "name": "GPU WebGPU", "adapter": "Mali-G710", "emulated": False, "gpu_ops": 63, "cpu_ops": 0, "partitions": 1,
        "reasons": [],
    }  # fmt: skip


def test_a_part_on_the_gpu_with_the_reasons() -> None:
    found = gpu_delegation(PART, 607)
    assert (found["gpu_ops"], found["cpu_ops"], found["partitions"]) == (13, 594, 1)
    assert found["reasons"] == ["GATHER_ND: Operation is not supported."]
    assert found["adapter"] == "llvmpipe (LLVM 15.0.6, 256 bits)"
    assert found["emulated"]


def test_commands_that_the_gpu_refuses_are_an_error() -> None:
    refused = (
        "E0000 00:00:1795522681.570596   15692 environment.cc:105] Validation error: Binding size for "
        "[Buffer (unlabeled)] is zero.\n - While validating entries[1] against { binding: 3 }.\n"
    )
    with pytest.raises(AgentError, match=r"refused 2 commands .*wrong: Binding size for .* is zero$"):
        refuse_invalid(FULL + refused + refused)
    refuse_invalid(FULL)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n", "no GPU adapter was found"),
        (PART.replace("13 operations will", "0 operations will"), "ERROR: Following operations are not supported"),
        (FULL.replace("Initializing WebGPU", "No"), "it took no operator"),
    ],
)
def test_a_cpu_under_the_name_of_a_gpu_is_an_error(said: str, why: str) -> None:
    with pytest.raises(AgentError, match=why):
        gpu_delegation(said, 63)
