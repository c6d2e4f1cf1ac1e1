"""``edgekit train``."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .shared.complete import model_ids
from .shared.limits import LARGEST, LARGEST_BATCH, LARGEST_SEED, MOST_CLASSES, MOST_RUNS
from .shared.options import JsonOption
from .show.console import emit_json, say
from .show.progress import time_text

if TYPE_CHECKING:
    from ..training.metrics import Epoch
    from ..verbs.train import Listener, Trained


def train_command(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Model id, alias or card (edgekit models list).", autocompletion=model_ids)
    ],
    data: Annotated[
        str, typer.Option("--data", help="Training data: fashion-mnist, fashion-mnist:DIR, a folder or a .npz file.")
    ],
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Training recipe: small, cifar, imagenet or qat. [default: small]")
    ] = None,
    qat: Annotated[
        bool, typer.Option("--qat", help="Fine-tune --weights with int8 rounding simulated; the recipe is qat.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, max=MOST_RUNS, help="Number of epochs. [default: the recipe's]")
    ] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, max=LARGEST_BATCH, help="Images per step.")] = None,
    lr: Annotated[
        float | None, typer.Option("--lr", min=0, max=LARGEST, help="Initial learning rate; it decays along a cosine.")
    ] = None,
    lasso: Annotated[
        float | None, typer.Option("--lasso", min=0, max=LARGEST, help="Weight of CondenseNet's group lasso.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of the weights, the order and the augmentation."),
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results. [default: runs/MODEL/DATA]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last finished epoch.")] = False,
    weights: Annotated[
        str, typer.Option("--weights", "-w", help="Start from a checkpoint file, pretrained or random.")
    ] = "random",
    num_classes: Annotated[
        int | None,
        typer.Option("--num-classes", min=2, max=MOST_CLASSES, help="Number of classes. [default: the data's]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train or fine-tune a network. A CondenseNet drops connections while it trains.

    --qat fine-tunes a trained checkpoint so that it loses less accuracy in int8; the result is an ordinary checkpoint.

    Every epoch writes checkpoint.pt, metrics.json and plot.svg; --resume continues an interrupted run.

    Example: edgekit train condensenet_fashion_small --data fashion-mnist
    """
    from .shared.torch_needed import torch_needed

    torch_needed("training")
    from ..training.recipes import find_recipe, with_changes
    from ..verbs.train import TrainOptions, train
    from .shared.hub import weights_of

    named = find_recipe(recipe or ("qat" if qat else "small"))
    chosen = with_changes(named, epochs=epochs, batch=batch, lr=lr, lasso=lasso, seed=seed, qat=qat or None)
    options = TrainOptions(data, chosen, out, resume, weights_of(context, [model], weights), num_classes)
    with listening(chosen.epochs) as listener:
        trained = train(model, options, listener)
    for line in result_lines(trained):
        say(line)
    if as_json:
        emit_json({**trained.run.to_plain(), "folder": str(trained.folder)})


@contextmanager
def listening(epochs: int) -> Iterator[Listener]:
    """A line an epoch of ``epochs``, and a progress bar where there is a terminal to show it."""
    from ..verbs.train import Listener

    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield Listener(progress=lambda event: say(str(event)), epoch=lambda epoch: say(with_rest(epoch, epochs)))
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from .show.screen import on_stderr

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=on_stderr(width=None), transient=True) as bar:
        task = bar.add_task("loading")

        def on_batch(epoch: int, done: int, count: int) -> None:
            bar.update(task, description=f"epoch {epoch}", completed=done, total=count)

        def on_epoch(epoch: Epoch) -> None:
            bar.console.print(with_rest(epoch, epochs), highlight=False)

        yield Listener(lambda event: bar.console.print(str(event)), on_batch, on_epoch)


def with_rest(epoch: Epoch, epochs: int) -> str:
    """The line of an epoch, and about how long the others will take."""
    left = epochs - epoch.number
    return epoch_line(epoch) + (f"; about {time_text(left * epoch.seconds)} for the other {left}" if left > 0 else "")


def epoch_line(epoch: Epoch) -> str:
    """``epoch 3: loss 0.412, training 85.1 %, test 84.9 %, lr 0.085; stage 1, 113,088 of 150,784 connections``."""
    line = (
        f"epoch {epoch.number}: loss {epoch.loss:.4f}, training {epoch.train_accuracy:.2f} %, "
        f"test {epoch.test_accuracy:.2f} %, lr {epoch.lr:.4g}, {epoch.seconds:.0f} s"
    )
    left = epoch.survivors
    return line if left is None else f"{line}; stage {left.stage}, {left.connections:,} of {left.total:,} connections"


def result_lines(trained: Trained) -> list[str]:
    """How it ended, where the files are, what to do next."""
    from ..verbs.train import CHECKPOINT, METRICS, PLOT

    run, last = trained.run, trained.run.epochs[-1]
    lines = [
        (
            f"{run.model} on {run.data}: test accuracy {last.test_accuracy:.2f} % ({run.test_images} images), "
            f"{len(run.epochs)} epochs in {run.seconds / 60:.1f} min"
        ),
    ]
    if run.float_accuracy is not None:
        lost = run.float_accuracy - last.test_accuracy
        lines.append(
            f"that is with the rounding of int8; float was {run.float_accuracy:.2f} % before: {lost:+.2f} points lost"
        )
    if last.survivors is not None:
        left = last.survivors
        lines.append(f"connections: {left.connections:,} of {left.total:,} survive, stage {left.stage}")
    if run.best.test_accuracy > last.test_accuracy:
        lines.append(f"the checkpoint is the last epoch's; epoch {run.best.number} had {run.best.test_accuracy:.2f} %")
    lines += [f"{trained.folder / name}" for name in (CHECKPOINT, METRICS, PLOT)]
    checkpoint = trained.folder / CHECKPOINT
    command = f"edgekit export {run.model} --format all --weights {checkpoint}"
    data = shlex.quote(trained.data)
    lines.append(f"next: {command} --num-classes {len(run.classes)} --calibration {data} --parity-data {data}")
    return lines
