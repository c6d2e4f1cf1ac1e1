"""ONNX Runtime on the CPU."""

from __future__ import annotations

import json
import os
from typing import Any, List, Optional, Sequence

from ..protocol import Json
from .base import Runtime
from .tensors import OPEN, numpy_name, open_shape, tensor_spec


class OnnxRuntime(Runtime):
    """ONNX Runtime's CPU execution provider: ``threads`` within an operator, operators one after another."""

    name = "onnxruntime"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        # From 1.32 on it tells its maker what it runs, on Linux too, unless this is set before it is loaded. Whoever
        # measures has not been asked; and what uploads would run beside the measurement.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        self.api = onnxruntime
        self.version = onnxruntime.__version__
        self.settings = {"intra_op_num_threads": threads, "inter_op_num_threads": 1, "execution_mode": "sequential"}
        self.feed: Json = {}
        self.results: List[Any] = []

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        self.session = self.open(model, self.options(profiling))
        self.inputs = [self.spec(n, self.input_shape(n.name, n.shape)) for n in self.session.get_inputs()]
        self.outputs = [self.spec(n, self.output_shape(n.shape)) for n in self.session.get_outputs()]
        self.output_names = [node["name"] for node in self.outputs]

    def options(self, profiling: Optional[str]) -> Any:
        """How a session works; with ``profiling`` it writes its profile to that folder."""
        options = self.api.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = self.api.ExecutionMode.ORT_SEQUENTIAL
        if self.exact_int8:  # the kernels come of fusing what stands between two QDQ pairs
            options.graph_optimization_level = self.api.GraphOptimizationLevel.ORT_DISABLE_ALL
        if self.signed_int8:  # the default of ONNX Runtime's builds for ARM alone
            options.add_session_config_entry("session.qdqisint8allowed", "1")
        if profiling:
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(profiling, "ort")
        return options

    def open(self, model: str, options: Any) -> Any:
        """A session on the CPU."""
        return self.api.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def output_shape(self, dims: Sequence[Any]) -> List[int]:
        """An output's shape, as far as it is known before an inference."""
        shape = open_shape(dims)
        return [self.batch, *shape[1:]] if shape[:1] == [OPEN] and not self.shapes else shape

    @staticmethod
    def spec(node: Any, shape: Sequence[int]) -> Json:
        return tensor_spec(node.name, shape, numpy_name(node.type[len("tensor(") : -1]))

    def set_input(self, index: int, array: Any) -> None:
        self.feed[self.inputs[index]["name"]] = array

    def run(self) -> Any:
        self.results = self.session.run(self.output_names, self.feed)

    def read(self, index: int) -> Any:
        return self.results[index]

    def kernels(self) -> List[Json]:
        """Every kernel event recorded so far; ends the profiling."""
        return kernel_events(self.session)


def kernel_events(session: Any) -> List[Json]:
    """The kernels that an ONNX Runtime session ran since it was made, in order; ends its profiling."""
    with open(session.end_profiling()) as stream:
        events = json.load(stream)
    return [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
