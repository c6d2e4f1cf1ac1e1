"""An ONNX file as a network: its own runtime gives the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import UsageError
from ...verify.onnx_sound import LARGEST_FILE
from ...verify.sets_of_inputs import save_arrays
from ..find import check_shapes
from ..foreign import adopt, files_of, model_name
from .inputs import load_inputs, spec_of_sized
from .network import SETS, OwnNetwork, OwnOptions
from .requests import Sized, Traced


def from_onnx(path: Path, options: OwnOptions, work: Path, words: Sequence[str]) -> OwnNetwork:
    """The network of an ONNX file, looked into by ONNX Runtime, and its inputs.

    Raises:
        UsageError: it is none, too large to be converted, an input's shape is open, or the inputs do not fit.
        ToolError: ONNX Runtime is not installed, or fails on it.
    """
    refuse_large(path, sum(file.stat().st_size for file in files_of(path, "onnx").values()))
    shapes = {one.name: one.shape for one in options.inputs}
    file = adopt(path, shapes)
    check_shapes(shapes, [file])
    artifact = file.artifact
    inputs = tuple(Sized(name=s.name, shape=s.shape, dtype=s.dtype) for s in artifact.inputs)
    outputs = tuple(Sized(name=s.name, shape=s.shape, dtype=s.dtype) for s in artifact.outputs)
    sets, found, made = load_inputs(options.calibration, [spec_of_sized(one) for one in inputs], options.preprocessing)
    save_arrays(work / SETS, sets)
    traced = Traced(
        inputs=inputs, outputs=outputs, programs=(), params=artifact.params or 0, state_sha256=artifact.sha256
    )
    return OwnNetwork(model_name(path), traced, {}, sets, found, made, options, tuple(words), work, file)


def refuse_large(path: Path, size_bytes: int) -> None:
    """Make sure that the converters can hold a file with its weights.

    Raises:
        UsageError: it is larger than protobuf takes.
    """
    if size_bytes > LARGEST_FILE:
        raise UsageError(
            f"{path} has {size_bytes / 1e9:.1f} GB with its weights, and the tools that convert ONNX files take 2 GB",
            f"store its weights in fewer bytes, or measure it as it is: edgekit profile {path}",
        )
