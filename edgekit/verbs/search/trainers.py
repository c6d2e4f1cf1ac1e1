"""Where a search's networks are trained: in child processes here, or on the workers of a Dask cluster.

A training is on one thread and decided by its card, seed, images and recipe alone, so it comes out the same in both
places. Only workers that compute to the last bit as the search does are taken; a worker sends back numbers, no file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...artifacts.children.imports import TRAINING
from ...artifacts.children.proxy_jobs import Arithmetic, ArithmeticRequest, ProxyRequest, ProxyScore, arithmetic, train
from ...artifacts.cluster import connected, identity, settled
from ...base.processes.isolate import Failed, rebuild_error, run_isolated
from ...base.processes.warm import lingering
from ...base.progress import Note, Progress, Warned
from ...errors import EdgekitError, ToolError
from ...training.recipes import Recipe
from ...types import ModelCard
from .images_file import IMAGES, LABELS, Content, ImagesFile, content_of, unpacked

if TYPE_CHECKING:
    from distributed import Client, Future

LONGEST_S = 24 * 3600.0
"""Of one training: one that takes longer is no short one."""
CHECK_S, LOOK_S = 300.0, 1.0


class Trainer(Protocol):
    """Trains networks, some at the same time."""

    @property
    def slots(self) -> int:
        """How many at the same time."""
        ...

    def train(self, card: ModelCard) -> ProxyScore:
        """Train one; called from as many threads.

        Raises:
            EdgekitError: it cannot be trained, or what trains it has died.
        """
        ...

    def stop(self) -> None:
        """Let go of whatever is in training: those who wait for it get an error."""
        ...


@dataclass(frozen=True)
class Schooling:
    """What all trainings of a search have in common."""

    recipe: Recipe
    seed: int
    data: ImagesFile

    def request(self, card: ModelCard, folder: Path) -> ProxyRequest:
        """The training of a card's network on the images in a folder."""
        return ProxyRequest(
            card=card,
            recipe=self.recipe,
            seed=self.seed,
            images=folder / IMAGES,
            labels=folder / LABELS,
            train=self.data.train,
            classes=self.data.classes,
        )


@dataclass(frozen=True)
class Here:
    """Child processes of this machine.

    Attributes:
        slots: how many at the same time.
    """

    schooling: Schooling
    slots: int

    def train(self, card: ModelCard) -> ProxyScore:
        """See :class:`Trainer`."""
        return trained(self.schooling.request(card, self.schooling.data.folder))

    def stop(self) -> None:
        """Nothing: whoever waits for children ends them."""


def trained(request: ProxyRequest) -> ProxyScore:
    """Train in a child process.

    Raises:
        EdgekitError: it cannot be trained.
    """
    return run_isolated(train, request, LONGEST_S, f"training {request.card.id}", imports=TRAINING)


@cache
def arithmetic_here() -> Arithmetic:
    """How this machine computes; see :func:`edgekit.artifacts.children.proxy_jobs.arithmetic`."""
    return run_isolated(arithmetic, ArithmeticRequest(), CHECK_S, "a small training", imports=TRAINING)


def arithmetic_there() -> Arithmetic:
    """On the worker: how it computes."""
    with lingering():
        return arithmetic_here()


@dataclass(frozen=True)
class Parcel:
    """A training on its way to a worker; the paths in ``request`` are filled in there.

    Attributes:
        sender: see :func:`edgekit.artifacts.cluster.identity`.
        computes: as the worker has to.
    """

    request: ProxyRequest
    sender: tuple[str, str]
    computes: Arithmetic


@dataclass(frozen=True)
class Delivery:
    """How a training on a worker ended: one of the two."""

    score: ProxyScore | None = None
    failed: Failed | None = None


def train_parcel(parcel: Parcel, content: Content) -> Delivery:
    """On the worker: put the images in place, once, and train."""
    from distributed import get_worker

    try:
        worker = get_worker()
        if identity() != parcel.sender:  # one that came after the others were looked at
            raise ToolError(f"worker {worker.address} has another edgekit", "install the same version on every worker")
        require_same(arithmetic_there(), parcel.computes, worker.address)
        place = Path(worker.local_directory) / f"images-{content.digests[IMAGES][:16]}"
        folder = unpacked(content, place)
        paths = {"images": folder / IMAGES, "labels": folder / LABELS}
        with lingering():
            return Delivery(trained(parcel.request.model_copy(update=paths)))
    except EdgekitError as error:
        return Delivery(failed=Failed.of(error))


def require_same(theirs: Arithmetic, ours: Arithmetic, worker: str) -> None:
    """Make sure that a worker's trainings come out as those of the search.

    Raises:
        ToolError: they do not.
    """
    if theirs != ours:
        raise ToolError(
            f"worker {worker} computes otherwise than this machine, so that a network's proxy accuracy would depend on "
            f"where it was trained: {theirs}, here {ours}",
            "install the same PyTorch on all; where CPUs differ, start the search and every worker with "
            "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2",
        )


@dataclass
class OnCluster:
    """The workers of a Dask cluster; the images go to each of them once."""

    client: Client
    schooling: Schooling
    computes: Arithmetic
    progress: Progress
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sent: Future | None = None
    _running: set[Future] = field(default_factory=set)
    _stopped: bool = False

    @property
    def slots(self) -> int:
        """One for every thread of a worker that is there now; one when none is, since another may come."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return max(1, sum(int(worker["nthreads"]) for worker in workers))

    def train(self, card: ModelCard) -> ProxyScore:
        """See :class:`Trainer`; a worker that dies is followed by another, up to Dask's allowed-failures."""
        request = self.schooling.request(card, Path())
        with self._lock:
            self.await_worker()
            parcel = Parcel(request, identity(), self.computes)
            future = self.client.submit(train_parcel, parcel, self.images(), pure=False)
            self._running.add(future)
        try:
            delivery: Delivery = settled(future, f"the training of {card.id}")
        finally:
            self._running.discard(future)
        if delivery.failed is not None:
            raise rebuild_error(delivery.failed)
        assert delivery.score is not None
        return delivery.score

    def await_worker(self) -> None:
        """Wait until the cluster has a worker: the last one may have died, and another may come.

        Raises:
            ToolError: the search was stopped.
        """
        told = False
        while not self._stopped:
            if self.client.scheduler_info(n_workers=-1)["workers"]:
                return
            if not told:
                self.progress(Warned("the cluster has no worker any more: waiting for one"))
            told = True
            time.sleep(LOOK_S)
        raise ToolError("the search was stopped", "the same command goes on with it")

    def images(self) -> Future:
        """The images on the workers, sent when they are not there: with the last worker that had them they are gone.

        Raises:
            ToolError: no worker is there.
        """
        if self._sent is None or self._sent.status != "finished":
            content = content_of(self.schooling.data)
            self.progress(Note(f"sending {content.bytes / 1e6:.1f} MB of images to the workers"))
            key = f"edgekit-images-{self.schooling.data.sha256}"
            try:
                self._sent = self.client.scatter({key: content}, broadcast=True)[key]
            except OSError as error:  # a timeout is one too
                raise ToolError(
                    f"the images cannot be sent to the workers: {str(error) or type(error).__name__}",
                    "start a worker, and the same command goes on",
                ) from error
        return self._sent

    def stop(self) -> None:
        """Cancel what runs: those who wait for it get an error, and no more is begun."""
        self._stopped = True  # before the lock, which one who waits for a worker has
        with self._lock:
            running = list(self._running)
        for future in running:
            future.cancel()


@contextmanager
def trainer_at(address: str | None, jobs: int, schooling: Schooling, progress: Progress) -> Iterator[Trainer]:
    """What trains, for this block: ``jobs`` children here, or the cluster at an address.

    Raises:
        UsageError: no such address can be.
        ToolError: see :func:`edgekit.artifacts.cluster.connected`, or a worker computes otherwise.
    """
    if address is None:
        yield Here(schooling, jobs)
        return
    with connected(address, progress) as client:
        ours = arithmetic_here()
        # An own task each, and not client.run, which holds up all that a worker says meanwhile.
        asked = {
            worker: client.submit(arithmetic_there, workers=[worker], pure=False)
            for worker in client.scheduler_info(n_workers=-1)["workers"]
        }
        for worker, future in asked.items():
            require_same(settled(future, f"a small training on worker {worker}"), ours, worker)
        yield OnCluster(client, schooling, ours, progress)
