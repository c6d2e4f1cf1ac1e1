"""The tasks of an export on a Dask cluster, whose workers share no disk with us: files are sent there and back as
bytes.

A task is one model with one profile. When its worker dies, Dask runs it again elsewhere, up to the scheduler's
``allowed-failures`` (3); then it has failed. Workers need exactly the same code of edgekit, with the extra ``export``.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..base.distribution import install_command
from ..base.files import staged_folder
from ..base.inside import inside
from ..base.owned import MANIFEST, MARK
from ..base.processes.isolate import Failed, rebuild_error
from ..base.processes.warm import lingering
from ..base.progress import Event, Note, Progress
from ..base.scratch import scratch_folder
from ..base.target import host_target
from ..errors import EdgekitError, ToolError, UsageError
from ..types import Artifact, ExportProfile, ImageSet, ModelCard, Stored
from .cache import code_digest
from .layer_errors import read_layer_errors
from .prepare import ExportOptions, Images, load_images
from .snippet.write import write_snippet
from .store import artifact_folder, check_files
from .tasks import Done, Outcome, Status, Task, export_task, from_cache, plan, to_cache

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_S = 10
ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:[\w.-]+|\[[0-9a-fA-F:.%]+\]):\d{1,5}")
"""HOST:PORT, by default with tcp://; an IPv6 address is written in brackets."""


@dataclass(frozen=True)
class Pixels:
    """Images with their source; ``npy`` is the content of a ``.npy`` file, uint8 ``(N, H, W, C)``."""

    npy: bytes
    source: ImageSet


@dataclass(frozen=True)
class Parcel:
    """A task with everything that it needs.

    Attributes:
        checkpoint: file name and content of the weights; None for random ones.
        calibration, parity: see :class:`~edgekit.artifacts.prepare.Images`.
    """

    card: ModelCard
    profile: ExportProfile
    options: ExportOptions
    checkpoint: tuple[str, bytes] | None
    calibration: Pixels
    parity: Pixels


@dataclass(frozen=True)
class Delivery:
    """The result of a parcel.

    Attributes:
        files: the content of the artifact's folder by name; empty when no artifact was made.
        failed: why there is no artifact, or, beside an artifact, why its layers could not be measured.
    """

    status: Status
    seconds: float
    cpu_seconds: float
    files: dict[str, bytes]
    said: list[Event]
    failed: Failed | None = None


def export_on_cluster(
    address: str,
    models: Sequence[str],
    profiles: Sequence[ExportProfile],
    options: ExportOptions,
    progress: Progress,
    done: Done,
) -> list[Outcome]:
    """Export every model with every profile on the cluster at ``address``; artifacts in the cache are not made again.

    Raises:
        UsageError: an unknown model, weights or images, or what cannot be an address.
        ToolError: ``distributed`` is missing, nobody answers at the address, no worker is there, or one of them has
            another edgekit.
    """
    planned = plan(models, profiles, options)
    tasks = [replace(task, profiles=(profile,)) for task in planned for profile in task.profiles]
    outcomes: dict[int, Outcome] = {}

    def finish(number: int, outcome: Outcome) -> None:
        outcomes[number] = outcome
        done(outcome)

    loaded: dict[str, Images] = {}

    def images_of(card: ModelCard) -> Images:
        if card.id not in loaded:
            loaded[card.id] = load_images(card, options)
        return loaded[card.id]

    with connected(address, progress) as client:
        from distributed import as_completed

        running: dict[Future, int] = {}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # weights and photos are large
            for number, task in enumerate(tasks):
                found = from_cache(task, task.profiles[0], options, progress)
                if found is not None:
                    finish(number, found)
                else:
                    parcel = pack(task, options, images_of(task.card))
                    running[client.submit(export_parcel, parcel, pure=False)] = number
        for future in as_completed(running, loop=client.loop):
            number = running[future]
            outcome = unpack(tasks[number], options, result(future, tasks[number]), progress)
            to_cache(tasks[number], tasks[number].profiles[0], options, outcome, progress)
            finish(number, outcome)
    made: dict[str, list[Outcome]] = {}
    for number, task in enumerate(tasks):
        made.setdefault(task.card.id, []).append(outcomes[number])
    return [outcome for task in planned for outcome in task.answers(made[task.card.id])]


@contextmanager
def connected(address: str, progress: Progress) -> Iterator[Client]:
    """A client of a cluster whose workers have our edgekit; at the end it cancels what still runs there.

    Raises:
        UsageError: no such address can be.
        ToolError: see :func:`export_on_cluster`.
    """
    if not ADDRESS.fullmatch(address):
        raise UsageError(
            f"--scheduler {address!r} is not the address of a Dask scheduler",
            "give tcp://HOST:PORT, such as tcp://127.0.0.1:8786",
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise ToolError("--scheduler needs Dask", install_command("cluster")) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ToolError(
            f"no Dask scheduler answers at {address}: {reason}", "start one: dask scheduler; then dask worker ADDRESS"
        ) from error
    with client:
        check_workers(client, address)
        progress(Note(f"{len(client.scheduler_info(n_workers=-1)['workers'])} workers at {address}"))
        yield client


def check_workers(client: Client, address: str) -> None:
    """Make sure that there are workers, and that each has our version of edgekit.

    Raises:
        ToolError: none came within some seconds, or one differs.
    """
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except (TimeoutError, OSError) as error:
        raise ToolError(f"the scheduler at {address} has no worker", f"dask worker {address}") from error
    try:
        theirs = client.run(identity)
    except ImportError as error:
        raise ToolError(
            f"a worker at {address} cannot import edgekit: {error}",
            f"install there what is here, with its extras export and cluster: {install_command('export,cluster')}",
        ) from error
    for worker, found in theirs.items():
        if found != identity():
            raise ToolError(
                f"worker {worker} has another edgekit: {found[0]} ({found[1][:12]}), here {__version__} "
                f"({code_digest()[:12]})",
                "install the same version on every worker and start them again",
            )


def identity() -> tuple[str, str]:
    """Version and code of edgekit, as a worker sees it."""
    return __version__, code_digest()


def pack(task: Task, options: ExportOptions, images: Images) -> Parcel:
    """A task with the content of the files that it reads."""
    (profile,) = task.profiles
    if profile.target == "host":  # ours, not the worker's
        profile = profile.model_copy(update={"target": host_target()})
    checkpoint = None if task.checkpoint is None else (task.checkpoint.name, task.checkpoint.read_bytes())
    return Parcel(
        task.card,
        profile,
        replace(options, cache=None),
        checkpoint,
        Pixels(npy(images.pixels), images.source),
        Pixels(npy(images.parity_pixels), images.parity_source),
    )


def npy(pixels: Any) -> bytes:
    """An array as a ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, pixels)
    return stream.getvalue()


def export_parcel(parcel: Parcel) -> Delivery:
    """On the worker: export in a temporary folder and return the files."""
    said: list[Event] = []
    with lingering(), scratch_folder("task") as folder:
        checkpoint = None
        if parcel.checkpoint is not None:
            checkpoint = inside(folder, parcel.checkpoint[0], field="the checkpoint's name")
            checkpoint.write_bytes(parcel.checkpoint[1])
        images = Images(
            np.load(io.BytesIO(parcel.calibration.npy)),
            parcel.calibration.source,
            np.load(io.BytesIO(parcel.parity.npy)),
            parcel.parity.source,
        )
        task = Task(parcel.card, checkpoint, (parcel.profile,))
        options = replace(parcel.options, out=folder / "out")
        (outcome,) = export_task(task, options, said.append, lambda _: None, images=images)
        cost = (outcome.status, outcome.seconds, outcome.cpu_seconds)
        if outcome.folder is None:
            return Delivery(*cost, {}, said, Failed.of(outcome.error or ToolError("no reason was given")))
        # The folders inside hold programs: nobody runs what a worker sent, and they are written anew.
        there = (path for path in outcome.folder.iterdir() if path.is_file() and path.name != MARK)
        files = {path.name: path.read_bytes() for path in there}
        return Delivery(*cost, files, said, Failed.of(outcome.layers_error) if outcome.layers_error else None)


def result(future: Future, task: Task) -> Delivery:
    """The result of a future; a task that Dask has given up becomes a failed delivery."""
    try:
        delivery: Delivery = settled(future, f"{task.card.id} {task.profiles[0].name}")
    except ToolError as error:
        failed = Failed(kind="ToolError", message=str(error), hint=error.hint, traceback="")
        return Delivery("failed to convert", 0.0, 0.0, {}, [], failed)
    return delivery


def settled(future: Future, what: str) -> Any:
    """What a task gave, once it has ended.

    Args:
        future: the task.
        what: it in words, for the error.

    Raises:
        ToolError: it cost the lives of too many workers, the cluster lost it, or it raised something.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        deaths = error.allowed_failures + 1
        ended = "1 worker ended" if deaths == 1 else f"{deaths} workers ended"
        raise ToolError(
            f"{what} was given up: {ended} while working on it", "look at the workers' logs; too little memory?"
        ) from error
    except (CancelledError, OSError) as error:
        raise ToolError(
            f"{what} was lost by the cluster: {str(error) or type(error).__name__}", "run the command again"
        ) from error
    except Exception as error:  # whatever a worker raises is that task's failure, named as it is
        raise ToolError(f"{what} failed on its worker: {type(error).__name__}: {error}") from error


def unpack(task: Task, options: ExportOptions, delivery: Delivery, progress: Progress) -> Outcome:
    """Put the returned files in place, after checking that they are those that the worker verified."""
    model, profile = task.card.id, task.profiles[0].name
    for event in delivery.said:
        progress(event)
    outcome = Outcome(model, profile, delivery.status, delivery.seconds, cpu_seconds=delivery.cpu_seconds)
    error: EdgekitError | None = None
    if delivery.failed is not None:
        error = rebuild_error(delivery.failed)
    if not delivery.files:
        return replace(outcome, error=error)
    final = artifact_folder(options.out, model, profile)
    try:
        with staged_folder(final) as staging:
            for name, content in delivery.files.items():
                inside(staging, name, field="a file's name in the answer").write_bytes(content)
            artifact = Artifact.model_validate_json(delivery.files[MANIFEST])
            check_files(Stored(staging, artifact))
            write_snippet(staging, artifact)
    except EdgekitError as damage:
        lost = ToolError(f"the files that a worker sent are not those that it made: {damage}", "run the export again")
        return replace(outcome, status="failed to convert", error=lost)
    return replace(outcome, folder=final, artifact=artifact, layers=read_layer_errors(final), layers_error=error)
