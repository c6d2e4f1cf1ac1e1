"""``edgekit inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .shared.input_options import Input, input_shapes
from .shared.options import ArtifactsOption, JsonOption
from .show.console import emit_json, say, tell


def inspect_command(
    name: Annotated[str, typer.Argument(help="A model file (.onnx, .tflite, .xml), an artifact folder or a model id.")],
    input_: Input = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Also write a page: operators, and the time of each on this machine.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", help="Also write one inference as a trace, for Perfetto or Chrome.")
    ] = None,
    node_data: Annotated[
        Path | None,
        typer.Option(
            "--node-data", help="Also write operator times, and SQNR of layers, for Model Explorer, to a folder."
        ),
    ] = None,
    as_json: JsonOption = False,
    artifacts: ArtifactsOption = Path("artifacts"),
) -> None:
    """Show what a model file holds, and what its runtime makes of it: inputs, precision, operators, delegate.

    The model file need not be one that edgekit exported.

    Example: edgekit inspect downloads/centerface.onnx --input 1x3x320x320
    """
    from dataclasses import asdict

    from ..verbs.inspect import inspect
    from .show.inspect import inspect_lines, write_pages

    found = inspect(name, artifacts, input_shapes(input_))
    if page or trace or node_data:
        for written in write_pages(found, page, trace, node_data):
            say(written)
    if as_json:
        emit_json({**found.stored.artifact.to_plain(), "operators": [asdict(row) for row in found.operators]})
        return
    for line in inspect_lines(found):
        tell(line)
