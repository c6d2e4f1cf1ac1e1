"""A stored artifact or model file, loaded in this process: real numbers in, real numbers out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..agent.protocol import AgentError
from ..agent.runtimes.choose import load_model, make_runtime
from ..artifacts.find import find_one
from ..artifacts.store import check_files, file_of
from ..base.images.pixels import from_output, load_image, to_input
from ..errors import ToolError, UsageError
from ..types import Artifact, Stored, TensorSpec
from ..verify.sets_of_inputs import stored_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Loaded:
    """A model that runs one inference after another in this process; not for several threads at once.

    Attributes:
        artifact: what its manifest says; of a file of others, what was found in it.
        inputs, outputs: with names, shapes (the batch first), layouts and types.
    """

    def __init__(self, stored: Stored, threads: int = 1) -> None:
        """Load the artifact's file into its runtime.

        Raises:
            UsageError: the file is not the one that was verified.
            ToolError: the runtime is not installed, or cannot load the file.
        """
        check_files(stored)
        self.artifact: Artifact = stored.artifact
        self.inputs, self.outputs = stored.artifact.inputs, stored.artifact.outputs
        request = {
            "runtime": self.artifact.runtime,
            "model": str(file_of(stored.folder, self.artifact.model_file).resolve()),
            "threads": threads,
            "shapes": self.artifact.input_shapes,
            "inference_precision": "default" if self.artifact.precision == "fp16" else "f32",
        }
        try:
            self._runtime = make_runtime(request)
            load_model(self._runtime, request)
        except AgentError as error:
            hint = "install the extra run" if error.kind == "missing-runtime" else ""
            raise ToolError(str(error), hint) from error

    def run(self, *arrays: NDArray[Any], **named: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Real outputs by name, of inputs in order or by name.

        A float array is quantized for an input of integers that stand for reals, and an image is brought into the
        input's layout; other types are taken as they are.

        Raises:
            UsageError: an input is missing, unknown, or of another shape.
        """
        given = self._given(arrays, named)
        for place, (array, spec) in enumerate(zip(given, self.inputs, strict=True)):
            self._runtime.set_input(place, self._stored(array, spec))
        self._runtime.run()
        return {
            spec.name: from_output(np.asarray(self._runtime.read(place)), spec)
            for place, spec in enumerate(self.outputs)
        }

    def image(self, path: str | Path) -> NDArray[Any]:
        """A photo as the only input takes it, prepared as those that the artifact was calibrated and verified on.

        Raises:
            UsageError: it is no image, or nobody said how a photo becomes this network's input.
        """
        spec = self.inputs[0]
        if spec.preprocessing is None or len(self.inputs) != 1:
            raise UsageError(
                f"nobody said how a photo becomes the input of {self.artifact.model} {self.artifact.profile}",
                "give arrays to run(), or export with a folder of images as --calibration",
            )
        return to_input(load_image(Path(path), spec.preprocessing)[None], spec)

    def _given(self, arrays: tuple[NDArray[Any], ...], named: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        names = [spec.name for spec in self.inputs]
        taken = dict(zip(names, arrays, strict=False)) | named
        if len(arrays) + len(named) != len(names) or taken.keys() != set(names):
            raise UsageError(
                f"{len(arrays)} inputs in order and {sorted(named)} by name; the model takes {', '.join(names)}",
                "give each once",
            )
        return [np.asarray(taken[name]) for name in names]

    @staticmethod
    def _stored(array: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
        shape = tuple(max(size, 1) for size in spec.shape)
        if array.shape == shape and array.dtype == spec.dtype:
            return np.ascontiguousarray(array)
        if array.dtype.kind != "f":
            raise UsageError(
                f"{spec.name} is {array.dtype} {list(array.shape)}; the input takes {spec.dtype} {list(shape)}",
                "give that, or floats",
            )
        real = TensorSpec(name=spec.name, shape=array.shape, layout=spec.layout, dtype=str(array.dtype))
        found: NDArray[Any] = stored_inputs(array[None], real, spec)[0]
        return found


def load(name: str | Path | Stored, threads: int = 1) -> Loaded:
    """See :func:`edgekit.load`."""
    return Loaded(name if isinstance(name, Stored) else find_one(str(name), Path("artifacts")), threads)
