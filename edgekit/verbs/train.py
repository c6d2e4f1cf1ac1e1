"""``edgekit train``: a card, data and a recipe to a checkpoint, ``metrics.json`` and ``plot.svg``.

After every epoch all three are written, the checkpoint first, each whole or not at all: a killed training goes on
from its last whole epoch and ends where an unbroken one does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..base.files import check_place, check_regular, write_atomic
from ..base.inside import inside
from ..base.progress import Note, Progress, Warned, silent
from ..catalog import find_card
from ..errors import UsageError
from ..training.checkpoint import Header, read_run, restore, save_checkpoint
from ..training.datasets import Dataset
from ..training.fake_quant import learnt_ranges
from ..training.loop import OnBatch, Training, accuracy_on, begin, train_epoch
from ..training.metrics import Epoch, Run
from ..training.recipes import Recipe
from ..training.sources import load_data
from ..types import ModelCard
from ..zoo.complexity import count_params
from ..zoo.preprocessing import settled
from ..zoo.starting_point import Start, starting_point
from ..zoo.weights import resolve_weights
from .training_plot import training_plot

CHECKPOINT, METRICS, PLOT = "checkpoint.pt", "metrics.json", "plot.svg"
RUNS = Path("runs")


@dataclass(frozen=True)
class TrainOptions:
    """What the command line asks for.

    Attributes:
        data: see :func:`edgekit.training.sources.load_data`.
        out: folder of the results; ``runs/<model>/<data>`` when None.
        resume: go on from the checkpoint in ``out``; from the beginning when there is none.
        weights: ``random``, ``pretrained`` or a checkpoint to start from.
        num_classes: of the head; the data's own when None.
    """

    data: str
    recipe: Recipe
    out: Path | None = None
    resume: bool = False
    weights: str = "random"
    num_classes: int | None = None


@dataclass(frozen=True)
class Listener:
    """Who wants to know how it goes: events, batches, epochs."""

    progress: Progress = silent
    batch: OnBatch = lambda *_: None
    epoch: Callable[[Epoch], None] = lambda _: None


@dataclass(frozen=True)
class Trained:
    """A finished training, the folder of its files, and its data as the user named them."""

    run: Run
    folder: Path
    data: str


def train(model: str, options: TrainOptions, listener: Listener | None = None) -> Trained:
    """Train ``model`` and leave its results in the folder that the options name.

    Raises:
        UsageError: an unknown model, unusable data or weights, quantization-aware training without weights, a run that
            is there already, or one to resume that was made under other conditions.
        ToolError: the data set is not installed, or the folder cannot be written.
    """
    listener = listener or Listener()
    if options.recipe.qat and options.weights == "random":
        raise UsageError("--qat makes a trained network robust against int8", "give its checkpoint: --weights FILE")
    card = find_card(model)
    card = settled(card, resolve_weights(card, options.weights))
    data = load_data(options.data, card.preprocessing)
    for note in (data.note, size_note(data, card)):
        if note:
            listener.progress(Note(note))
    classes = class_count(data, options.num_classes)
    folder = options.out or inside(RUNS, card.id, data.name, field="the names of the model and of the data set")
    path = folder / CHECKPOINT
    if check_regular(path).is_file() and not options.resume:
        raise UsageError(
            f"{folder} holds a training already", "--resume goes on with it; --out DIR names another folder"
        )
    check_place(path, "--out")
    training, header, run = (resumed if path.is_file() else started)(card, data, classes, options, path)
    listener.progress(Note(opening(run, options.resume)))
    if run.threads != torch.get_num_threads():
        listener.progress(
            Warned(
                f"begun with {run.threads} threads, now {torch.get_num_threads()}: sums are rounded in another order, "
                "so the result may differ from an unbroken training's"
            )
        )
    while not run.finished:
        epoch = train_epoch(training, listener.batch)
        run = run.model_copy(update={"epochs": (*run.epochs, epoch)})
        learnt = {} if training.quantized is None else learnt_ranges(training.quantized)
        header = header.model_copy(update={"epoch": epoch.number, "ranges": learnt})
        save_checkpoint(path, header, training, run)
        write_atomic(folder / METRICS, run.model_dump_json(indent=2) + "\n")
        write_atomic(folder / PLOT, training_plot(run))
        listener.epoch(epoch)
    return Trained(run, folder, options.data)


def opening(run: Run, resume: bool) -> str:
    """The first line: what is trained from where."""
    if run.epochs:
        return f"{run.model}: going on after epoch {len(run.epochs)} of {run.recipe.epochs}"
    anew = " (nothing to resume there)" if resume else ""
    return f"{run.model}: starting from {run.start}{anew}; {run.train_images} images of {run.data}"


def size_note(data: Dataset, card: ModelCard) -> str:
    """What happens to images that have not the network's size; empty when they have."""
    (height, width), (rows, columns) = data.train.images.take(np.zeros(1, np.int64)).shape[1:3], card.preprocessing.size
    if (height, width) == (rows, columns):
        return ""
    return f"images of {height} x {width} are resized to the {rows} x {columns} of {card.id}"


def class_count(data: Dataset, wanted: int | None) -> int:
    """Outputs of the head.

    Raises:
        UsageError: fewer than the data has classes.
    """
    count = len(data.classes)
    if wanted is not None and wanted < count:
        raise UsageError(f"--num-classes {wanted} is less than the {count} classes of {data.name}", "leave it out")
    return wanted or count


def started(
    card: ModelCard, data: Dataset, classes: int, options: TrainOptions, _path: Path
) -> tuple[Training, Header, Run]:
    """A training before its first epoch."""
    start = starting_point(card, resolve_weights(card, options.weights), classes, options.recipe.seed)
    header = Header(
        model=card.id,
        family=card.family,
        architecture=start.card.architecture,
        num_classes=classes,
        layout=start.layout,
        classes=data.classes,
    )
    run = conditions(start, data, options)
    if options.recipe.qat:
        exact = accuracy_on(start.network, data.test, card.preprocessing)
        run = run.model_copy(update={"float_accuracy": exact})
    return begin(start.network, data, card.preprocessing, options.recipe), header, run


def conditions(start: Start, data: Dataset, options: TrainOptions) -> Run:
    """A run without epochs."""
    return Run(
        model=start.card.id,
        data=data.name,
        data_sha256=data.sha256,
        classes=data.classes,
        train_images=len(data.train.labels),
        test_images=len(data.test.labels),
        start=start.text,
        params=count_params(start.network),
        recipe=options.recipe,
        threads=torch.get_num_threads(),
    )


def resumed(
    card: ModelCard, data: Dataset, classes: int, options: TrainOptions, path: Path
) -> tuple[Training, Header, Run]:
    """The training that ``path`` left.

    Raises:
        UsageError: it is of another model, data or recipe; or unreadable.
    """
    from ..zoo.layouts import adopt
    from ..zoo.registry import create

    content, header, run = read_run(path)
    theirs = {"model": run.model, "data": run.data, "classes": header.num_classes, **run.recipe.to_plain()}
    mine = {"model": card.id, "data": data.name, "classes": classes, **options.recipe.to_plain()}
    for name, value in theirs.items():
        if mine[name] != value:
            hint = "give the same options to resume it, or another folder with --out"
            raise UsageError(f"{path} was trained with {name} {value}, not {mine[name]}", hint)
    if run.data_sha256 != data.sha256:
        raise UsageError(f"{path} was trained on other images of the name {data.name}", "train anew with --out DIR")
    trained = card.model_copy(update={"architecture": header.architecture})
    network = create(trained, classes)
    adopt(network, header.layout, own_eps="bn_eps" in header.architecture)
    training = begin(network, data, card.preprocessing, options.recipe)
    restore(training, content, run)
    return training, header, run
