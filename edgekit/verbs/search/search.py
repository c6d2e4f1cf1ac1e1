"""The verb ``search``: networks around a card, each priced on a device and trained for a short while.

What is in the folder is whole after every network: the journal from which a killed search goes on, a card for each
network, and the page of the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ...base.inside import inside
from ...base.processes.warm import warm
from ...base.progress import Note, Progress, Step, Warned, silent
from ...bench.session import Limits
from ...catalog import find_card, find_profile
from ...errors import UsageError
from ...reports.search_page import guesses
from ...select.reward import Limit
from ...select.space import Space, require_square, width_space
from ...training.datasets import Dataset
from ...training.proxy import judged_apart
from ...training.recipes import RECIPES, Recipe, with_changes
from ...training.sources import load_data
from ...types import ModelCard
from ...types.commands import is_own
from ...types.networks.searches import SearchSettings, Tried, best_of
from .images_file import ImagesFile, images_file
from .pricing import Cost, Order, Price, order_of, pricing
from .study import begin_study, kept_settings, others_search, searching
from .trainers import Schooling, arithmetic_here, trainer_at
from .trying import Trying, write_card

OUT = Path("runs")
ORDERS: dict[Order, str] = {
    "side by side": ", counting beside them",
    "in turn": ", measuring one by one beside them",
    "quiet": ", and none while this machine is measured",
}


@dataclass(frozen=True)
class SearchOptions:
    """What the command line asks for.

    Attributes:
        data: see :func:`edgekit.training.sources.load_data`.
        device, profile, threads: where the cost is from.
        space: which space; None for MnasNet's where the card is of its family, else width and resolution.
        target_ms: what to aim at; the reference's own latency when None.
        limit: MnasNet's soft or hard limit.
        trials: networks in all, the reference among them.
        images, judge: training images to train on and others to judge by.
        out: folder; ``runs/search/<model>/<device>`` when None.
        jobs: networks that are trained at the same time here.
        scheduler: address of the Dask cluster whose workers train instead.
        measuring: how long to look where a device is measured; a short while when None.
    """

    data: str
    device: str
    profile: str = "tflite-fp32"
    threads: int = 1
    space: Literal["blocks", "width"] | None = None
    target_ms: float | None = None
    limit: Limit = "hard"
    trials: int = 24
    images: int = 4000
    judge: int = 2000
    epochs: int = 2
    batch: int | None = None
    lr: float | None = None
    seed: int = 0
    out: Path | None = None
    jobs: int = 1
    scheduler: str | None = None
    force: bool = False
    measuring: Limits | None = None


@dataclass(frozen=True)
class Searched:
    """A search so far: its settings, every network that was tried, and its folder."""

    settings: SearchSettings
    tried: tuple[Tried, ...]
    folder: Path

    @property
    def best(self) -> Tried | None:
        """The one of the highest reward."""
        return best_of(list(self.tried))

    @property
    def reference(self) -> Tried | None:
        """The card's own network; None while another process has it open."""
        return next((one for one in self.tried if one.number == 0), None)


def card_to_search(model: str) -> ModelCard:
    """The card that a search begins at.

    Raises:
        UsageError: an unknown model, or code of a user's own: what may change in it is not known.
    """
    if is_own(model):
        raise UsageError(
            f"{model} is code of your own, and a search changes what a card describes",
            "search around the nearest card (edgekit models list), or edgekit lint says what to change in the code",
        )
    return find_card(model)


def search(model: str, options: SearchOptions, progress: Progress = silent) -> Searched:
    """Search around the card ``model``; a search that is in the folder already goes on.

    Args:
        model: id, alias or card file.
        options: see there.
        progress: receives an event as each step begins, and how each network ended.

    Raises:
        UsageError: an unknown model, device or profile, unusable data or options, or another search in the folder.
        NotComparableError: an emulated device.
        ToolError: Optuna or the data set is not installed, the device cannot be reached, or the folder not be written.
        EdgekitError: the reference itself cannot be built, exported or trained.
    """
    card = card_to_search(model)
    space = space_around(card, options.space)
    recipe = with_changes(
        RECIPES["small"], epochs=options.epochs, batch=options.batch, lr=options.lr, seed=options.seed
    )
    whole = load_data(options.data, card.preprocessing)
    if whole.note:
        progress(Note(whole.note))
    if card.num_classes != len(whole.classes):
        progress(Note(f"{whole.name} has {len(whole.classes)} classes, and so have the networks; {card.id} has others"))
        space = width_classes(space, len(whole.classes))
    data = judged_apart(whole, options.images, options.judge, options.seed)
    folder = options.out or inside(OUT, "search", card.id, options.device, field="the names of the model and device")
    profile = find_profile(options.profile)
    before = kept_settings(folder)
    order = order_of(options.device, options.threads)
    with (
        warm(),
        images_file(data) as images,
        trainer_at(options.scheduler, options.jobs, Schooling(recipe, options.seed, images), progress) as trainer,
        pricing(
            options.device,
            profile,
            folder / "artifacts",
            threads=options.threads,
            limits=options.measuring,
            force=options.force,
            progress=progress,
        ) as asked,
        searching(folder) as searcher,
    ):
        if order == "quiet" and others_search(folder, searcher):
            raise UsageError(
                f"another process searches in {folder}, and its trainings would disturb what is measured here",
                "let one process do it all: --jobs 2 measures while nothing is trained",
            )
        price = once(asked)
        target = options.target_ms or (before.target if before else reference_ms(space, folder, price, progress))
        settings = settings_of(space, options, recipe, whole, images, target)
        study = begin_study(folder, space, settings, searcher)
        told = f"{space.size:.3g} networks around {card.id}; aiming at {target:.3g} ms on {options.device}"
        progress(Note(f"{told}; {at_once(trainer.slots)}{ORDERS[order]}"))
        guessed = share_guessed(data)
        Trying(study, settings, folder, price, order, trainer, progress, guessed).run(options.trials)
        if told := guesses(study.tried, guessed):
            progress(Warned(told))
        return Searched(settings, tuple(study.tried), folder)


def share_guessed(data: Dataset) -> float:
    """The share of the images that are of the most frequent class: whoever always says it is as often right."""
    return float(np.bincount(data.test.labels).max()) / len(data.test.labels)


def at_once(slots: int) -> str:
    """How many are trained at the same time, in words."""
    return "one training at a time" if slots == 1 else f"{slots} trainings at a time"


def once(price: Price) -> Price:
    """The same price, asked once for each network: the reference is priced for the target already."""
    known: dict[str, Cost] = {}

    def asked(card: ModelCard, path: Path) -> Cost:
        if card.id not in known:
            known[card.id] = price(card, path)
        return known[card.id]

    return asked


def space_around(card: ModelCard, kind: Literal["blocks", "width"] | None) -> Space:
    """The space around a card.

    Raises:
        UsageError: the card is not of the family that the space is of.
    """
    from ...zoo.mnasnet import LAST, TABLES, stacks_of

    if kind == "width" or (kind is None and card.family != "mnasnet"):
        return width_space(card)
    if card.family != "mnasnet":
        raise UsageError(
            f"the space of blocks is MnasNet's, and {card.id} is a {card.family}",
            "--space width searches its width and resolution",
        )
    require_square(card)
    version = str(card.architecture["version"])
    stacks = stacks_of(version, str(card.architecture.get("blocks", "")))
    stem, first, _ = TABLES.get(version, (int(card.architecture.get("stem", 32)), 0, []))
    first = first or int(card.architecture.get("first", 16))
    return Space(card, stacks, int(card.architecture.get("last", LAST)), stem, first)


def width_classes(space: Space, classes: int) -> Space:
    """The same space of networks with the data's number of classes."""
    card = space.card.model_copy(update={"num_classes": classes, "params": None, "macs": None})
    return Space(card, space.stacks, space.head, space.stem, space.first)


def reference_ms(space: Space, folder: Path, price: Price, progress: Progress) -> float:
    """The latency of the card's own network: the target where none is named.

    Raises:
        EdgekitError: it cannot be exported, measured or counted.
    """
    progress(Step("the latency of the reference, which is the target"))
    card = space.card_of(space.reference, f"{space.card.id}_s000")
    return price(card, write_card(folder, card)).ms


def settings_of(
    space: Space, options: SearchOptions, recipe: Recipe, data: Dataset, images: ImagesFile, target: float
) -> SearchSettings:
    """What decides the search."""
    return SearchSettings(
        reference=space.card.id,
        space=space.kind,
        data=data.name,
        data_sha256=images.sha256,
        device=options.device,
        profile=options.profile,
        threads=options.threads,
        target=target,
        limit=options.limit,
        images=options.images,
        judge=options.judge,
        epochs=recipe.epochs,
        batch=recipe.batch,
        lr=recipe.lr,
        seed=options.seed,
        arithmetic=str(arithmetic_here()),
    )
