"""What a file says of itself: TFLite Metadata, written before the file is verified and audited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..base.processes.isolate import run_isolated
from ..convert.job import Described
from ..types import Format, TensorSpec
from .children import jobs
from .children.imports import TFLITE_FILE

TIMEOUT_S = 300.0


def describe_file(
    format_: Format,
    file: Path,
    model: str,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    classes: Sequence[str] = (),
) -> None:
    """Write what is known of inputs, outputs and classes into a TFLite file; nothing is written into others.

    Raises:
        ToolError: the file cannot be changed.
    """
    if format_ != "tflite":
        return
    asked = Described(file=file.resolve(), model=model, inputs=inputs, outputs=outputs, classes=tuple(classes))
    run_isolated(jobs.describe_tflite, asked, TIMEOUT_S, f"describing {file.name}", imports=TFLITE_FILE)
