"""OpenVINO on the CPU, a GPU or an NPU."""

from __future__ import annotations

import copy
from typing import Any, List, Optional

from ..protocol import AgentError, Json
from .base import Runtime
from .tensors import numpy_name, open_shape, tensor_spec

EXACT_INT8 = {"LP_TRANSFORMS_MODE": "NO"}
"""Compiles an int8 model without int8 kernels."""


class OpenVINO(Runtime):
    """OpenVINO's CPU plugin with the latency hint, or its GPU or NPU plugin.

    ``precision`` is the INFERENCE_PRECISION_HINT: "f32" by default, because a CPU with native bf16 or f16 would
    otherwise compute an fp32 model in it; "default" leaves the choice to the plugin.
    """

    name = "openvino"

    device = "CPU"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        import openvino

        self.api = openvino
        self.version = openvino.get_version()
        self.settings = {"PERFORMANCE_HINT": "LATENCY"}
        if self.device == "CPU":
            self.settings["INFERENCE_NUM_THREADS"] = threads
        if precision != "default":
            self.settings["INFERENCE_PRECISION_HINT"] = precision

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        core = self.api.Core()
        self.network = core.read_model(model)
        open_inputs = [port for port in self.network.inputs if port.partial_shape.is_dynamic]
        if open_inputs:
            shapes = {port: self.input_shape(name_of(port), dims_of(port)) for port in open_inputs}
            self.network.reshape(shapes)
        config = dict(self.settings, PERF_COUNT=True) if profiling else dict(self.settings)
        if self.exact_int8:
            config.update(EXACT_INT8)
        if self.device != "CPU":
            there = core.available_devices
            if self.device not in there:
                message = "OpenVINO sees no %s here, only %s" % (self.device, ", ".join(there))
                raise AgentError("accelerator", message)
            self.settings["adapter"] = str(core.get_property(self.device, "FULL_DEVICE_NAME"))
        self.compiled = core.compile_model(self.network, self.device, config)
        self.request = self.compiled.create_infer_request()
        self.inputs = [self.spec(port) for port in self.compiled.inputs]
        self.outputs = [self.spec(port) for port in self.compiled.outputs]

    def beside(self) -> OpenVINO:
        """The same compiled model with a request of its own, for another thread."""
        other = copy.copy(self)
        other.request = self.compiled.create_infer_request()
        return other

    @staticmethod
    def spec(port: Any) -> Json:
        shape = open_shape(dims_of(port))
        return tensor_spec(name_of(port), shape, numpy_name(port.element_type.get_type_name()))

    def set_input(self, index: int, array: Any) -> None:
        # Into the request's own tensor, as benchmark_app does: it is aligned as the plugin likes it.
        self.request.get_input_tensor(index).data[...] = array

    def run(self) -> Any:
        self.request.infer(share_outputs=True)

    def read(self, index: int) -> Any:
        return self.request.get_output_tensor(index).data.copy()


class OpenVINOGpu(OpenVINO):
    """OpenVINO's GPU plugin, which compiles a model as a whole or not at all."""

    device = "GPU"


class OpenVINONpu(OpenVINO):
    """OpenVINO's NPU plugin, which compiles a model as a whole or not at all."""

    device = "NPU"


def name_of(port: Any) -> str:
    """A port's name, or its operator's where it has none."""
    return str(port.any_name if port.names else port.node.friendly_name)


def dims_of(port: Any) -> List[Optional[int]]:
    """Dimensions of an OpenVINO port, None where open."""
    if port.partial_shape.rank.is_dynamic:
        return []
    return [dim.get_length() if dim.is_static else None for dim in port.partial_shape]
