"""LiteRT on the CPU, made to compute floats in float16."""

from __future__ import annotations

from typing import Optional

from ..protocol import AgentError
from .litert_compiled import LiteRTCompiled

FORCE_FP16 = 4
"""XNNPACK delegate's flag: float16 arithmetic whatever the file says; on CPUs without it, emulated."""


class LiteRTHalf(LiteRTCompiled):
    """LiteRT's compiled model, whose XNNPACK delegate is forced to float16.

    Where a CPU can neither compute nor emulate it, the results are those of float32.
    """

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        if self.package != "ai-edge-litert":
            raise AgentError("request", self.package + " cannot be made to compute in float16; install ai-edge-litert")
        from ai_edge_litert import compiled_model, cpu_options, options

        self.compiled_class = compiled_model.CompiledModel
        cpu = cpu_options.CpuOptions(num_threads=threads, xnnpack_flags=FORCE_FP16)
        self.options = options.Options(cpu_options=cpu)
        self.settings["xnnpack_flags"] = FORCE_FP16

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        self.read_ends(model)
        self.compiled = self.compiled_class.from_file(model, options=self.options)
        self.make_buffers()
