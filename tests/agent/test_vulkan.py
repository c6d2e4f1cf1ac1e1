"""Vulkan's devices, by the real loader on a software driver and without any driver."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from benchmarks.vulkan_driver import drivers
from edgekit.agent.vulkan import VULKAN_KINDS, vulkan_adapters
from edgekit.errors import ToolError


def told_by_a_new_process(module: str, call: str) -> object:
    """What ``call`` returns where the loader is found by the environment of this test."""
    program = f"from {module} import {call}; print({call}())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


@pytest.mark.slow
def test_an_adapter_and_its_driver_by_the_real_loader(lavapipe: None) -> None:
    ((kind, name),) = told_by_a_new_process("edgekit.agent.vulkan", "vulkan_adapters")  # type: ignore[misc]
    assert VULKAN_KINDS[kind] == "cpu"
    assert name.startswith("llvmpipe (LLVM")
    told = told_by_a_new_process("benchmarks.vulkan_driver", "drivers")
    assert isinstance(told, dict)
    assert list(told) == [name]
    assert told[name].startswith("llvmpipe, Mesa")


def test_without_a_driver_there_is_no_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.setenv(variable, "/nowhere/icd.json")
    assert vulkan_adapters() == []
    with pytest.raises(ToolError, match=r"no Vulkan loader|vkCreateInstance answers -9") as caught:
        drivers()
    assert caught.value.hint
