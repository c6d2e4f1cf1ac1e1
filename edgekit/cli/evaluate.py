"""``edgekit evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .shared import export_options as opt
from .shared import input_options
from .shared.complete import device_names, model_ids
from .shared.limits import LONGEST_S, MOST_IMAGES
from .shared.options import ForceOption, JsonOption
from .show.console import emit_json, say
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..types import Evaluation, Rate, Scored


def evaluate_command(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="An artifact folder, or a model id for its float network.", autocompletion=model_ids)
    ],
    data: Annotated[str, typer.Option("--data", "-d", help="Folder of images or classes, .npz, or fashion-mnist.")],
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", help="Class numbers or names: one per line for the sorted images, or FILE,CLASS lines."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Network to compare with: float (the artifact's own), a model id or an artifact."
        ),
    ] = None,
    weights: Annotated[
        str, typer.Option("--weights", "-w", help="Weights of float networks: a checkpoint file, pretrained or random.")
    ] = "random",
    num_classes: opt.NumClasses = None,
    ema: opt.Ema = False,
    tf_padding: opt.TfPadding = None,
    input_size: input_options.InputSize = None,
    mean: input_options.Mean = None,
    std: input_options.Std = None,
    resize: input_options.Resize = None,
    crop: input_options.Crop = None,
    interpolation: input_options.Interpolation = None,
    channels: input_options.Channels = None,
    input_: input_options.Input = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="Run the artifact on this device. [default: here]", autocompletion=device_names),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            "--max-drop",
            min=0,
            max=100,
            help="Points of top-1 that the artifact may lose against --against: exit code 0, 1 or 4.",
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(
            "--images", min=1, max=MOST_IMAGES, help="Evaluate on this many images, evenly spaced. [default: all]"
        ),
    ] = None,
    force: ForceOption = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, max=LONGEST_S, help="Time limit of each run, in seconds.")
    ] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Measure accuracy against labels, and agreement with another network on the same images.

    An artifact runs in its own runtime, without PyTorch; so does a model file that edgekit did not export (give --mean
    and --std). Every percentage has its 95 % interval. The result is stored beside the artifact, where report, pick and
    gate read it. With --max-drop the exit code is 0 when the drop is proven to be within the limit, 1 when it is proven
    to exceed it, and 4 when neither is proven.

    Example: edgekit evaluate artifacts/mobilenet_v2_1.0/onnx-int8 --data photos --labels labels.csv --against float
    """
    from ..artifacts.accuracy.subjects import Wanted
    from ..types import CheckpointReading
    from ..types.gates import EXIT_CODES
    from ..verbs.evaluate import Asked, evaluate
    from .shared.hub import weights_of

    reading = CheckpointReading(ema=ema, tf_padding=tf_padding)
    wishes = input_options.wishes(mean, std, resize, crop, interpolation, channels, input_size)
    shapes = tuple(input_options.input_shapes(input_).items())
    wanted = Wanted(weights_of(context, [name], weights), num_classes, reading, wishes, shapes)
    asked = Asked(device, max_drop, images, timeout, force)
    found = evaluate(name, data, labels, against, wanted, ProgressLines(), asked)
    for line in lines(found):
        say(line)
    if as_json:
        emit_json(found.to_plain())
    if found.verdict is not None and found.verdict.status != "PASS":
        raise typer.Exit(EXIT_CODES[found.verdict.status])


def lines(found: Evaluation) -> list[str]:
    """The evaluation as text."""
    where = "" if found.device is None else f", run on {found.device}"
    rows = [f"{text_of(found.subject)} on {found.data} ({found.images} images, {found.classes} classes){where}"]
    if found.reference is not None:
        rows.append(f"against {text_of(found.reference)}")
    if found.top1 is not None:
        rows.append(f"  top-1      {rate(found.top1)}")
    if found.top5 is not None:
        rows.append(f"  top-5      {rate(found.top5)}")
    if found.drop is not None and found.reference_top1 is not None:
        drop = found.drop
        rows.append(f"  reference  {rate(found.reference_top1)}")
        alone = f"right alone: reference {drop.reference_only}, this {drop.subject_only}"
        between = f"95 %: {100 * drop.low:+.2f} to {100 * drop.high:+.2f}"
        rows.append(f"  drop       {100 * drop.drop:+.2f} points ({between}); {alone}; McNemar p = {drop.p_value:.2g}")
    if found.agreement is not None:
        rows.append(f"  agreement  {rate(found.agreement)}")
    if found.sqnr_db is not None:
        image = "" if found.image_sqnr_db is None else f" (image {found.image_sqnr_db:.1f})"
        rows.append(f"  SQNR       {found.sqnr_db:.1f} dB{image}")
    if found.verdict is not None:
        rows.append(f"  {found.verdict.status:<10} {found.verdict.reason}")
    return [*rows, *(f"note: {note}" for note in found.notes)]


def rate(found: Rate) -> str:
    """``18/20 = 90.0 % (95 %: 69.9 to 97.2)``."""
    between = f"95 %: {100 * found.low:.1f} to {100 * found.high:.1f}"
    return f"{found.hits}/{found.count} = {100 * found.share:.1f} % ({between})"


def text_of(scored: Scored) -> str:
    """``mobilenet_v2_1.0 onnx-int8``, or the network with its weights."""
    return f"{scored.model} {scored.name}" if scored.kind == "artifact" else f"{scored.model} float32 ({scored.name})"
