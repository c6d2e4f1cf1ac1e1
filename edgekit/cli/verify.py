"""``edgekit verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .shared.input_options import Input, input_shapes
from .shared.limits import LARGEST
from .shared.options import ArtifactsOption, JsonOption
from .show.console import emit_json, say
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..verbs.verify import Verified


def verify_command(
    name: Annotated[str, typer.Argument(help="A model file (.onnx, .tflite, .xml) or an artifact folder.")],
    against: Annotated[str, typer.Option("--against", help="The reference: a model file or an artifact folder.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="Inputs: an .npz with an array for each input of the reference. [default: random]"),
    ] = None,
    min_sqnr: Annotated[
        float | None,
        typer.Option(
            min=-LARGEST, max=LARGEST, help="SQNR in dB that each output must reach. [default: its precision's]"
        ),
    ] = None,
    input_: Input = None,
    as_json: JsonOption = False,
    artifacts: ArtifactsOption = Path("artifacts"),
) -> None:
    """Compare the outputs of a model file with those of another file of the same network.

    The exit code is 1 when an output is too far off. A file that passes is no longer marked as unverified in later
    measurements.

    Example: edgekit verify net_int8.tflite --against net.onnx --data inputs.npz
    """
    from ..verbs.verify import verify

    bounds: dict[str, float | None] = {}
    if min_sqnr is not None:
        bounds = {"min_sqnr_db": min_sqnr, "min_image_sqnr_db": None, "min_cosine": -1.0}
    found = verify(
        name,
        against,
        data,
        tolerance=bounds,
        shapes=input_shapes(input_),
        artifacts_root=artifacts,
        progress=ProgressLines(),
    )
    if as_json:
        emit_json(as_data(found))
    else:
        show(found)
    raise typer.Exit(0 if found.passed else 1)


def show(found: Verified) -> None:
    """The agreement of each output, and the answer, on stderr."""
    from .show.tables import print_table

    rows = [
        (one.name, f"{p.sqnr_db:.1f}", f"{p.cosine_min:.5f}", f"{p.max_abs:.3g}", f"{p.reference_max_abs:.3g}")
        for one, p in ((one, one.parity) for one in found.outputs)
    ]
    head = ("output", "SQNR dB", "cosine", "max error", "of")
    print_table(head, rows, numbers=head[1:])
    for one in found.outputs:
        for failure in one.parity.failures:
            say(f"failed: {one.name}: {failure}")
    for note in found.data.notes:
        say(f"note: {note}")
    if found.data.kind == "synthetic" and found.stored.artifact.precision != "fp32":
        say("note: random inputs tell little of int8; give --data with inputs like those in use")
    artifact, reference = found.stored.artifact, found.reference.artifact
    said = "agrees with" if found.passed else "does not agree with"
    say(
        f"{artifact.model} {artifact.profile} {said} {reference.model} {reference.profile} "
        f"on {found.data.count} sets of inputs ({found.data.source})"
    )


def as_data(found: Verified) -> dict[str, Any]:
    """The same for programs."""
    return {
        "passed": found.passed,
        "data": found.data.to_plain(),
        "outputs": [{"name": one.name, **one.parity.to_plain()} for one in found.outputs],
    }
