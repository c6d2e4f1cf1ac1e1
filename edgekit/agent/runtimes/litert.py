"""LiteRT on the CPU."""

from __future__ import annotations

import importlib
from typing import Any, Optional

from ..protocol import Json
from ..versions import installed_version
from .base import Runtime
from .tensors import tensor_spec


class LiteRT(Runtime):
    """LiteRT's Interpreter (ai_edge_litert, else tflite_runtime) with its default CPU delegate, XNNPACK."""

    name = "litert"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        try:
            from ai_edge_litert.interpreter import Interpreter

            package = "ai-edge-litert"
        except ImportError as error:
            if (error.name or "").split(".")[0] != "ai_edge_litert":
                raise  # it is installed, and something that it needs is not
            from tflite_runtime.interpreter import Interpreter

            package = "tflite-runtime"
        self.interpreter_class = Interpreter
        self.package = package
        self.version = installed_version(package) or "unknown"
        self.settings = {"num_threads": threads}
        self.no_delegate = False

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        more: Json = {}
        if self.no_delegate:
            interpreter = importlib.import_module(self.interpreter_class.__module__)
            more = {"experimental_op_resolver_type": interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
        self.interpreter = self.interpreter_class(model_path=model, num_threads=self.threads, **more)
        for details in self.interpreter.get_input_details():
            shape = self.input_shape(details["name"], [int(d) for d in details["shape_signature"]])
            if shape != [int(d) for d in details["shape"]]:
                self.interpreter.resize_tensor_input(details["index"], shape, strict=True)
        self.interpreter.allocate_tensors()
        self.input_details = self.interpreter.get_input_details()
        self.output_details = self.interpreter.get_output_details()
        self.inputs = [self.spec(details) for details in self.input_details]
        self.outputs = [self.spec(details) for details in self.output_details]

    @staticmethod
    def spec(details: Json) -> Json:
        import numpy as np

        scale, zero_point = details["quantization"]
        quantized = scale != 0
        return tensor_spec(
            details["name"],
            details["shape"],
            np.dtype(details["dtype"]).name,
            float(scale) if quantized else None,
            int(zero_point) if quantized else None,
        )

    def set_input(self, index: int, array: Any) -> None:
        self.interpreter.set_tensor(self.input_details[index]["index"], array)

    def run(self) -> Any:
        self.interpreter.invoke()

    def read(self, index: int) -> Any:
        return self.interpreter.get_tensor(self.output_details[index]["index"])
