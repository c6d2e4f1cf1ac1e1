"""LiteRT on a GPU."""

from __future__ import annotations

import time
from typing import Any, Optional

from ..protocol import AgentError, first_line
from .litert_compiled import LiteRTCompiled
from .litert_gpu_log import gpu_delegation, gpu_reason, refuse_invalid
from .native_output import said_meanwhile

GPU_COMPILE_S = 300.0
"""Longest time of the first inference, which waits until a driver has compiled the kernels."""


class LiteRTGpu(LiteRTCompiled):
    """LiteRT's compiled model on its GPU accelerator; what that does not take runs on the CPU, and is counted.

    The GPU works after ``run`` has returned, so an inference ends with the read-back of its outputs. ``precision``
    "f32" enforces float32; "default" lets the GPU compute in float16.

    Attributes:
        delegation: what was delegated, from the accelerator's own log; its other reports are not to be trusted.
    """

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        if self.package != "ai-edge-litert":
            raise AgentError("request", self.package + " has no GPU accelerator for Python; install ai-edge-litert")
        from ai_edge_litert import compiled_model, hardware_accelerator, options

        hardware = hardware_accelerator.HardwareAccelerator
        self.compiled_class = compiled_model.CompiledModel
        self.options = options.Options(
            hardware_accelerators=hardware.GPU | hardware.CPU,
            gpu_options=options.GpuOptions(enforce_f32=precision == "f32"),
            cpu_options=options.CpuOptions(num_threads=threads),
        )
        self.settings["gpu_precision"] = "fp32" if precision == "f32" else "fp16"
        self.proven = False

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        count = self.read_ends(model)
        failure: Optional[Exception] = None
        with said_meanwhile() as said:
            try:
                self.compiled = self.compiled_class.from_file(model, options=self.options)
            except RuntimeError as error:
                failure = error
        if failure is not None:
            raise AgentError("accelerator", "LiteRT's GPU accelerator does not take the model: %s" % (
                gpu_reason(said[0]) or first_line(failure))) from failure  # fmt: skip
        self.delegation = gpu_delegation(said[0], count)
        refuse_invalid(said[0])
        self.settings["adapter"] = self.delegation["adapter"]
        self.make_buffers()

    def run(self) -> Any:
        if self.proven:
            self.infer()
            return
        with said_meanwhile() as said:
            self.infer(GPU_COMPILE_S)
        refuse_invalid(said[0])
        self.proven = True

    def infer(self, patience_s: float = 0.0) -> None:
        """One inference with its read-back.

        LiteRT gives the read-back up after two minutes and leaves the buffer locked for good: within the patience, the
        inference is repeated into new buffers, while the kernels compiled so far are kept.
        """
        until = time.monotonic() + patience_s
        while True:
            try:
                super().infer()
                return
            except RuntimeError as error:
                if "lock custom tensor buffer" not in str(error) or time.monotonic() > until:
                    raise
                self.taken = self.compiled.create_output_buffers(0)
