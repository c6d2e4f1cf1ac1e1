"""The interface of every runtime."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ..protocol import AgentError, Json
from .tensors import fixed_shape

ANY = ""
"""Name of an input that was not named: a model with one input needs none."""


class Runtime:
    """A loaded model that runs one inference at a time on the CPU.

    Attributes:
        version: of the runtime.
        settings: every option set to other than its default.
        delegation: what an accelerator took, where it takes parts.
        inputs, outputs: see :func:`tensor_spec`.
        batch: inputs of one inference, where the model leaves it open.
        shapes: of inputs by name, where the model leaves more open than the batch.
        exact_int8: compute what an int8 file says in float, without int8 kernels, whose sums overflow on some CPUs.
        signed_int8: take int8 kernels for signed activations too, as ONNX Runtime does on ARM, wherever this runs.
    """

    name = ""
    exact_int8 = False
    signed_int8 = False
    batch = 1

    def __init__(self, threads: int, precision: str = "f32") -> None:
        """Import the runtime; nothing is loaded yet. Raises ImportError when it is missing."""
        self.threads = threads
        self.version = ""
        self.settings: Json = {}
        self.delegation: Optional[Json] = None
        self.inputs: List[Json] = []
        self.outputs: List[Json] = []
        self.shapes: Dict[str, List[int]] = {}

    def load(self, model: str, profiling: Optional[str] = None) -> None:
        """Open a model; with ``profiling`` (a folder) the runtime times each operator."""
        raise NotImplementedError

    def input_shape(self, name: str, dims: Sequence[Any]) -> List[int]:
        """The shape that an input runs with: the model's, and what is asked for where that is open (None, -1, text).

        Raises AgentError where the two contradict each other, or a dimension stays open.
        """
        asked = self.shapes.get(name, self.shapes.get(ANY))
        if asked is None:
            return fixed_shape(name, dims, self.batch)
        fixed = [d if isinstance(d, int) and d > 0 else None for d in dims]
        if len(asked) != len(fixed) or any(d not in (None, a) for d, a in zip(fixed, asked)):  # noqa: B905  (no strict in Python 3.7)
            said = "input %r is %s in the model, which %s does not fit" % (name, list(dims), asked)
            raise AgentError("open-shape", said)
        return asked

    def set_input(self, index: int, array: Any) -> None:
        """Give an input its value, which stays for the runs that follow."""
        raise NotImplementedError

    def run(self) -> Any:
        """One inference, finished when this returns."""
        raise NotImplementedError

    def read(self, index: int) -> Any:
        """A copy of an output of the last run."""
        raise NotImplementedError

    def prove(self, model: str) -> None:
        """After an inference: find what an accelerator takes where loading does not tell it."""
