"""Try one network after another, or several at once: its latency, and the short training where it may win.

Counting on one thread and training come out the same whatever else a machine does, so they run side by side. A clock
does not: measurements are taken one by one, and those on this machine while no training of this search runs anywhere.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore

from ...base.files import write_atomic
from ...base.inside import inside
from ...base.processes.isolate import end_all
from ...base.progress import JobEnded, Progress, Step, Warned, telling
from ...errors import EdgekitError, ToolError, UsageError
from ...reports.card_text import card_text
from ...reports.search_page import search_page
from ...select.reward import reward
from ...types import ModelCard
from ...types.networks.searches import SearchSettings, Tried
from ...zoo.complexity import layer_costs, total_cost
from ...zoo.registry import create
from ...zoo.shapes_only import shapes_only
from .pricing import Order, Price
from .study import Asked, Study
from .trainers import Trainer

PAGE, CARDS = "search.html", "cards"
FAR = 1.5
"""Times the target beyond which a network is not trained under a hard limit: it could not win."""
MOST_THREADS = 1024
ALIKE = 3
"""Networks in a row that fail in the same words: it is not they that are at fault."""


@dataclass(frozen=True)
class Open:
    """A network that is being tried.

    Attributes:
        begun: by the monotonic clock.
        found: what is known of it; its state is ``failed`` until it is tried.
    """

    asked: Asked
    card: ModelCard
    begun: float
    found: Tried

    @property
    def lost(self) -> bool:
        """It is not to be trained: its latency is not known, or too long."""
        return self.found.cost_ms is None or self.found.state == "too slow"


@dataclass(frozen=True)
class Trying:
    """What trying networks needs.

    Attributes:
        order: when the latency of one may be looked for.
        guessed: share of the images that are of the most frequent class.
    """

    study: Study
    settings: SearchSettings
    folder: Path
    price: Price
    order: Order
    trainer: Trainer
    progress: Progress
    guessed: float = 0.0
    failures: list[str] = field(default_factory=list)
    counting: Semaphore = field(default_factory=lambda: Semaphore(os.cpu_count() or 1))

    def run(self, trials: int) -> None:
        """Try networks until there are so many.

        Raises:
            UsageError: the reference cannot be tried.
            ToolError: one after another fails in the same way, or the folder cannot be written.
        """
        running: dict[Future[Tried], Open] = {}
        with ThreadPoolExecutor(MOST_THREADS) as pool:
            try:
                while True:
                    self.begin(pool, running, trials)
                    if not running:
                        return
                    enough = ALL_COMPLETED if self.order == "quiet" else FIRST_COMPLETED
                    ended, _ = wait(running, return_when=enough)
                    for one in sorted(ended, key=lambda one: running[one].asked.number):
                        self.end(running.pop(one), one.result(), trials)
            except BaseException:
                self.trainer.stop()
                with end_all():
                    pool.shutdown(wait=True, cancel_futures=True)
                raise

    def begin(self, pool: ThreadPoolExecutor, running: dict[Future[Tried], Open], trials: int) -> None:
        """Ask for as many networks as can be tried at once, and begin with them.

        Where the latency is measured here, all of them are measured first, and nothing runs yet.
        """
        measured: list[Open] = []
        while len(running) + len(measured) < self.trainer.slots:
            asked = self.study.ask(trials)
            if asked is None:
                break
            one = self.opened(asked)
            if self.order == "side by side":
                running[pool.submit(self.priced_and_trained, one)] = one
                continue
            priced = self.priced(one)
            if priced.lost:
                self.end(one, self.ended(priced, priced.found), trials)
            elif self.order == "quiet":
                measured.append(priced)
            else:
                running[pool.submit(self.trained, priced)] = priced
        for one in measured:
            running[pool.submit(self.trained, one)] = one

    def opened(self, asked: Asked) -> Open:
        """Keep the card of a network."""
        card = self.study.space.card_of(asked.values, f"{self.study.space.card.id}_s{asked.number:03d}")
        path = write_card(self.folder, card)
        return Open(asked, card, time.monotonic(), Tried(number=asked.number, card=path.name, state="failed"))

    def priced_and_trained(self, one: Open) -> Tried:
        """All of it, on a thread beside others."""
        with self.counting:  # this machine counts, however many workers train
            priced = self.priced(one)
        if priced.lost:
            return self.ended(priced, priced.found)
        return self.trained(priced)

    def priced(self, one: Open) -> Open:
        """Look for a network's latency."""
        progress = telling(f"network {one.asked.number}", self.progress)
        try:
            with shapes_only():
                total = total_cost(layer_costs(create(one.card), (1, *one.card.input_shape)))
            progress(Step(f"its latency on {self.settings.device}"))
            cost = self.price(one.card, self.folder / CARDS / one.found.card)
        except EdgekitError as error:
            return with_found(one, error=str(error))
        if cost.doubt:
            progress(Warned(f"its latency is doubtful: {cost.doubt}"))
        found = with_found(one, params=total.params, macs=total.macs, cost_ms=cost.ms, cost_kind=cost.kind)
        found = with_found(found, doubt=cost.doubt)
        return with_found(found, state="too slow") if self.too_slow(found) else found

    def too_slow(self, one: Open) -> bool:
        """Whether a network cannot win; the reference is trained in any case."""
        cost, far = one.found.cost_ms, FAR * self.settings.target
        return self.settings.limit == "hard" and cost is not None and cost > far and one.asked.number > 0

    def trained(self, one: Open) -> Tried:
        """Train a network whose latency is known, and judge it."""
        told = f"training for {self.settings.epochs} epoch(s) on {self.settings.images} images"
        telling(f"network {one.asked.number}", self.progress)(Step(told))
        cost = one.found.cost_ms
        assert cost is not None
        try:
            score = self.trainer.train(one.card)
        except EdgekitError as error:
            return self.ended(
                one, Tried(number=one.found.number, card=one.found.card, state="failed", error=str(error))
            )
        worth = reward(100 * score.right / score.images, cost, self.settings.target, self.settings.limit)
        update = {"state": "trained", "right": score.right, "images": score.images, "reward": worth}
        return self.ended(one, one.found.model_copy(update=update))

    def ended(self, one: Open, tried: Tried) -> Tried:
        """What became of a network, with the seconds that it took."""
        return tried.model_copy(update={"seconds": round(time.monotonic() - one.begun, 1)})

    def end(self, one: Open, tried: Tried, trials: int) -> None:
        """Tell the study and everybody what became of a network.

        Raises:
            UsageError: it is the reference, and has failed.
            ToolError: several in a row have failed alike, or the page cannot be written.
        """
        self.study.tell(one.asked, tried)
        so_far = self.study.tried
        self.progress(JobEnded(words(tried), (f"network {tried.number}",), len(so_far), trials))
        write_atomic(self.folder / PAGE, search_page(self.settings, so_far, self.guessed))
        if tried.number == 0 and tried.state == "failed":
            reference = self.study.space.card.id
            raise UsageError(f"the reference {reference} cannot be tried: {tried.error}", "choose another card")
        name = Path(tried.card).stem
        self.failures[:] = [*self.failures, tried.error.replace(name, "")] if tried.state == "failed" else []
        if len(self.failures) >= ALIKE and len(set(self.failures[-ALIKE:])) == 1:
            raise ToolError(
                f"{ALIKE} networks in a row failed alike, the last with: {tried.error}",
                "when its cause is gone, the same command goes on with the search",
            )


def with_found(one: Open, **update: object) -> Open:
    """An open network of which more is known."""
    return Open(one.asked, one.card, one.begun, one.found.model_copy(update=update))


def write_card(folder: Path, card: ModelCard) -> Path:
    """Keep a card.

    Raises:
        ToolError: the folder cannot be written.
    """
    path = inside(folder, CARDS, f"{card.id}.toml", field="the card's id")
    write_atomic(path, card_text(card))
    return path


def words(tried: Tried) -> str:
    """How a network ended."""
    if tried.state == "failed":
        return f"failed: {tried.error}"
    told = f"{tried.cost_ms:.3g} ms {tried.cost_kind}"
    if tried.accuracy is None:
        return f"{told}, too slow to be trained"
    return f"{told}, {tried.accuracy:.1f} % right, reward {tried.reward:.2f}"
