"""``edgekit condense``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .shared.complete import model_ids
from .shared.options import JsonOption
from .show.console import emit_json, say

if TYPE_CHECKING:
    from ..verbs.condense import Condensed


def condense_command(
    checkpoint: Annotated[Path, typer.Argument(help="Training checkpoint: edgekit's or an official .pth.tar.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Write the condensed checkpoint to this file.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Card of the network. [default: what the checkpoint says]", autocompletion=model_ids
        ),
    ] = None,
    half_classifier: Annotated[
        bool, typer.Option("--half-classifier", help="Keep only half of the classifier's inputs; this costs accuracy.")
    ] = False,
    data: Annotated[
        str | None, typer.Option("--data", help="Data, as for edgekit train: show the test accuracy before and after.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a trained CondenseNet into index, group convolution and shuffle, proven equal before it is written.

    Example: edgekit condense runs/condensenet_fashion_small/fashion-mnist/checkpoint.pt -o small.pt
    """
    from .shared.torch_needed import torch_needed

    torch_needed("condensing")
    from ..verbs.condense import condense_checkpoint

    made = condense_checkpoint(checkpoint, out, model, half_classifier=half_classifier, data=data)
    for line in condensed_lines(made):
        say(line)
    if as_json:
        emit_json({**vars(made), "file": str(made.file)})


def condensed_lines(made: Condensed) -> list[str]:
    """What was proven, what it cost, and where the file is."""
    lines = [
        f"{made.model}: {made.layers} learned group convolutions condensed",
        f"proof   float64, random input: max difference {made.max_difference:.3g} of {made.reference_max:.3g}",
    ]
    if made.half_difference is not None:
        lines.append(
            f"        half of the classifier's inputs dropped on top: outputs then differ by {made.half_difference:.3g}"
        )
    lines.append(f"params  {made.params_before:,} in training, {made.params:,} now; {made.macs:,} MACs")
    if made.accuracy is not None and made.accuracy_before is not None:
        cost = made.accuracy - made.accuracy_before
        lines.append(
            f"accuracy on {made.data}: {made.accuracy_before:.2f} % before, {made.accuracy:.2f} % now ({cost:+.2f})"
        )
    elif made.half_difference is not None:
        lines.append("accuracy not measured: --half-classifier costs some; add --data to see how much")
    lines.append(f"saved   {made.file}")
    lines.append(
        f"next: edgekit export {made.model} --format all --weights {made.file} --num-classes {made.num_classes}"
    )
    return lines
