"""The part of a model that LiteRT's GPU accelerator took, read from its log: its other reports cannot be trusted."""

from __future__ import annotations

import re

from ..protocol import AgentError, Json


def gpu_reason(said: str) -> str:
    """The reason of a failure from the accelerator's log, or an empty string."""
    if "Selected adapter" not in said:
        return "no GPU adapter was found (a Vulkan driver is needed)"
    errors = [line.strip() for line in said.splitlines() if "ERROR" in line]
    return errors[0] if errors else ""


def refuse_invalid(said: str) -> None:
    """Raise AgentError when the log tells that the GPU dropped commands: LiteRT goes on, quickly, and computes nothing.

    WebGPU reports such errors only in the log, and a run that consists of them "succeeds".
    """
    errors = re.findall(r"(?:Validation|Out of memory|Internal|Device lost) error: (.+)", said)
    if errors:
        raise AgentError("accelerator", "the GPU refused %d commands of the model, so its outputs are wrong: %s" % (
            len(errors), errors[0].rstrip(".")))  # fmt: skip


def gpu_delegation(said: str, count: int) -> Json:
    """What LiteRT's GPU accelerator took of ``count`` operators, from what it printed while compiling.

    Value: name, adapter, emulated (an adapter that is a CPU), gpu_ops, cpu_ops, partitions (pieces on the GPU), reasons
    (what the accelerator says of the operators it leaves). Raises AgentError when nothing runs on a GPU: that would be
    a CPU's time under its name.
    """
    adapter = re.search(r"Selected adapter: (.+)", said)
    name = re.search(r"RegisterAccelerator: .*name=(GPU \S+)", said)
    split = re.search(r"(\d+) operations will run on the GPU, and the remaining (\d+) operations", said)
    listed = re.search(r"Following operations are not supported by GPU delegate:\n((?:.+\n)*?)\d+ operations", said)
    started = re.findall(r"Initializing \S+-based API from graph", said)
    if split:
        on_gpu, on_cpu = int(split.group(1)), int(split.group(2))
    else:
        on_gpu, on_cpu = (count, 0) if started else (0, count)
    if on_gpu == 0:
        raise AgentError("accelerator", "nothing runs on the GPU: %s" % (gpu_reason(said) or "it took no operator"))
    words = adapter.group(1) if adapter else "unknown adapter"
    return {
        "name": name.group(1) if name else "GPU",
        "adapter": words.split(", arch=")[0],
        "emulated": "adapterType=CPU" in words,
        "gpu_ops": on_gpu,
        "cpu_ops": on_cpu,
        "partitions": len(started),
        "reasons": [line.strip() for line in listed.group(1).splitlines()] if listed else [],
    }
