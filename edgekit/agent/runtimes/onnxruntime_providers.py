"""How an execution provider of ONNX Runtime is set, why it did not start, and the device behind it."""

from __future__ import annotations

import platform
import re
from typing import Dict, Optional, Tuple

from ..protocol import first_line
from ..providers import PROVIDERS
from ..vulkan import VULKAN_KINDS, vulkan_adapters


def provider_options(provider: str, accelerator: str, precision: str) -> Tuple[Dict[str, str], str]:
    """The options of an execution provider for an accelerator, and the precision that it computes floats in.

    For "f32" float32 where the provider can; by default CUDA would round to TF32 and OpenVINO's GPU to float16.
    """
    options = dict(PROVIDERS[provider][accelerator])
    computes = "fp32" if precision == "f32" else "fp16"
    if provider == "cuda" and precision == "f32":
        options["use_tf32"] = "0"
    if accelerator == "npu":
        computes = "fp16"  # both NPUs know no float32
    if provider == "openvino":
        options["precision"] = computes.upper()
    return options, computes


def provider_failure(said: str, failure: Optional[Exception]) -> str:
    """Why an execution provider did not start, from the exception or the log; its place in the source is left out."""
    if failure is not None:
        text = first_line(failure)
    else:
        errors = [line for line in said.splitlines() if re.search(r"\[E:onnxruntime", line)]
        text = errors[0] if errors else "ONNX Runtime does not say why"
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for mark in (" was false. ", "[ERROR] ", " : FAIL : "):
        text = text.rpartition(mark)[2]
    return text.strip() + (" (a Vulkan driver is needed)" if "No supported adapters" in text else "")


def provider_adapter(provider: str, accelerator: str) -> Tuple[str, bool]:
    """The device behind an execution provider, and whether it is a CPU that plays a GPU.

    WebGPU's computes on Vulkan on Linux, and prefers a card of its own to a built-in GPU, and that to software.
    """
    if provider == "webgpu" and platform.system() == "Linux":
        found = vulkan_adapters()
        if found:
            return found[0][1], found[0][0] == VULKAN_KINDS.index("cpu")
    return "%s of %s" % (accelerator.upper(), PROVIDERS[provider]["name"]), False
