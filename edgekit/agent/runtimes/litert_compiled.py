"""The common part of LiteRT's compiled models, whatever computes them."""

from __future__ import annotations

from typing import Any, List

from .litert import LiteRT


class LiteRTCompiled(LiteRT):
    """A compiled model, with buffers for its ends."""

    compiled: Any
    results: List[Any]

    def read_ends(self, model: str) -> int:
        """Inputs and outputs, by the interpreter, which knows their quantization and is not run; counts operators."""
        interpreter = self.interpreter_class(model_path=model)
        self.inputs = [self.spec(details) for details in interpreter.get_input_details()]
        self.outputs = [self.spec(details) for details in interpreter.get_output_details()]
        return len(interpreter._get_ops_details())  # noqa: SLF001  (there is no public count)

    def make_buffers(self) -> None:
        """Buffers of the compiled model."""
        import numpy as np

        self.given, self.taken = self.compiled.create_input_buffers(0), self.compiled.create_output_buffers(0)
        self.sizes = [(int(np.prod(spec["shape"])), np.dtype(spec["dtype"])) for spec in self.outputs]

    def infer(self) -> None:
        """One inference with its read-back."""
        self.compiled.run_by_index(0, self.given, self.taken)
        self.results = [buffer.read(*size) for buffer, size in zip(self.taken, self.sizes)]  # noqa: B905

    def set_input(self, index: int, array: Any) -> None:
        self.given[index].write(array)

    def run(self) -> Any:
        self.infer()

    def read(self, index: int) -> Any:
        import numpy as np

        return np.array(self.results[index]).reshape(self.outputs[index]["shape"])
