"""The verb ``search``: networks around a card, each priced on a device and trained for a short while, one by one.

What is in the folder is whole after every network: the journal from which a killed search goes on, a card for each
network, and the page of the front.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from ...base.files import write_atomic
from ...base.inside import inside
from ...base.progress import JobEnded, Note, Progress, Step, silent, telling
from ...bench.session import Limits
from ...catalog import find_card, find_profile
from ...errors import EdgekitError, UsageError
from ...reports.card_text import card_text
from ...reports.search_page import search_page
from ...select.reward import Limit, reward
from ...select.space import Space, require_square, width_space
from ...training.datasets import Dataset
from ...training.proxy import judged_apart, proxy_accuracy
from ...training.recipes import RECIPES, Recipe, with_changes
from ...training.sources import load_data
from ...types import ModelCard
from ...types.networks.searches import SearchSettings, Tried, best_of
from ...zoo.complexity import layer_costs, total_cost
from ...zoo.registry import create
from ...zoo.shapes_only import shapes_only
from .pricing import Cost, Price, pricing
from .study import Asked, Study, begin_study, kept_settings

OUT = Path("runs")
PAGE, CARDS = "search.html", "cards"
FAR = 1.5
"""Times the target beyond which a network is not trained under a hard limit: it could not win."""


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
    card = find_card(model)
    space = space_around(card, options.space)
    recipe = with_changes(
        RECIPES["small"], epochs=options.epochs, batch=options.batch, lr=options.lr, seed=options.seed
    )
    whole = load_data(options.data, card.preprocessing)
    if card.num_classes != len(whole.classes):
        space = width_classes(space, len(whole.classes))
    data = judged_apart(whole, options.images, options.judge, options.seed)
    folder = options.out or inside(OUT, "search", card.id, options.device, field="the names of the model and device")
    profile = find_profile(options.profile)
    before = kept_settings(folder)
    with pricing(
        options.device,
        profile,
        folder / "artifacts",
        threads=options.threads,
        limits=options.measuring,
        force=options.force,
        progress=progress,
    ) as asked:
        price = once(asked)
        target = options.target_ms or (before.target if before else reference_ms(space, folder, price, progress))
        settings = settings_of(space, options, recipe, whole, target)
        study = begin_study(folder, space, settings)
        progress(Note(f"{space.size:.3g} networks around {card.id}; aiming at {target:.3g} ms on {options.device}"))
        one = Trying(study, settings, data, recipe, folder, price, progress)
        while len(study.tried) < options.trials:
            tried = one.try_next(options.trials)
            write_atomic(folder / PAGE, search_page(settings, study.tried))
            if tried.number == 0 and tried.state == "failed":
                raise UsageError(f"the reference {card.id} cannot be tried: {tried.error}", "choose another card")
    return Searched(settings, tuple(study.tried), folder)


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


def settings_of(space: Space, options: SearchOptions, recipe: Recipe, data: Dataset, target: float) -> SearchSettings:
    """What decides the search."""
    return SearchSettings(
        reference=space.card.id,
        space=space.kind,
        data=data.name,
        data_sha256=data.sha256,
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
    )


def write_card(folder: Path, card: ModelCard) -> Path:
    """Keep a card.

    Raises:
        ToolError: the folder cannot be written.
    """
    path = inside(folder, CARDS, f"{card.id}.toml", field="the card's id")
    write_atomic(path, card_text(card))
    return path


@dataclass(frozen=True)
class Trying:
    """What trying a network needs."""

    study: Study
    settings: SearchSettings
    data: Dataset
    recipe: Recipe
    folder: Path
    price: Price
    progress: Progress

    def try_next(self, trials: int) -> Tried:
        """Ask for a network, try it, and tell the study."""
        asked = self.study.ask()
        begin = time.monotonic()
        tried = self.try_one(asked).model_copy(update={"seconds": round(time.monotonic() - begin, 1)})
        self.study.tell(asked, tried)
        self.progress(JobEnded(words(tried), (f"network {tried.number}",), len(self.study.tried), trials))
        return tried

    def try_one(self, asked: Asked) -> Tried:
        """Price a network, and train it where it may win."""
        space, settings = self.study.space, self.settings
        card = space.card_of(asked.values, f"{space.card.id}_s{asked.number:03d}")
        path = write_card(self.folder, card)
        plain = Tried(number=asked.number, card=path.name, state="failed")
        progress = telling(f"network {asked.number}", self.progress)
        try:
            with shapes_only():
                total = total_cost(layer_costs(create(card), (1, *card.input_shape)))
            progress(Step(f"its latency on {settings.device}"))
            cost = self.price(card, path)
            found = plain.model_copy(
                update={"params": total.params, "macs": total.macs, "cost_ms": cost.ms, "cost_kind": cost.kind}
            )
            if settings.limit == "hard" and cost.ms > FAR * settings.target and asked.number:
                return found.model_copy(update={"state": "too slow"})
            progress(Step(f"training for {self.recipe.epochs} epoch(s) on {settings.images} images"))
            scored = proxy_accuracy(
                drawn(lambda: create(card), settings.seed), self.data, card.preprocessing, self.recipe
            )
        except EdgekitError as error:
            return plain.model_copy(update={"error": str(error)})
        return found.model_copy(
            update={
                "state": "trained",
                "right": scored.right,
                "images": scored.images,
                "reward": reward(scored.accuracy, cost.ms, settings.target, settings.limit),
            }
        )


def drawn(build: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    """A network whose first weights a seed decides, and nothing else takes from it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def words(tried: Tried) -> str:
    """How a network ended."""
    if tried.state == "failed":
        return f"failed: {tried.error}"
    told = f"{tried.cost_ms:.3g} ms {tried.cost_kind}"
    if tried.accuracy is None:
        return f"{told}, too slow to be trained"
    return f"{told}, {tried.accuracy:.1f} % right, reward {tried.reward:.2f}"
