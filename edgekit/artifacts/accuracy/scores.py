"""The scores of an artifact or a float network for images; an artifact runs in its own runtime, here or on a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...base.images.pixels import from_output, to_input
from ...base.owned import MANIFEST
from ...base.processes.isolate import run_isolated
from ...base.progress import PartDone, Progress, Step, silent
from ...base.scratch import scratch_folder
from ...bench.launch import Transport
from ...bench.session import Limits, Session
from ...devices.phone.native import NativePhone
from ...errors import UsageError, VerificationError
from ...types import Device, Scored, Stored
from ...types.answers import RunAnswer
from ...verify.evaluation_data import Images, spans
from ...zoo.weights import resolve_weights
from ..children import jobs
from ..children.asking import ask_here
from ..children.imports import NETWORK
from ..device_parity import read_outputs
from ..requests import ScoresRequest
from ..store import file_of
from .subjects import Network, Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 1024
"""Most images in one run of a runtime, and so in memory at once."""
LARGEST_PART = 64 << 20
"""Most bytes of inputs in one run."""
TIMEOUT_S = 600.0
MORE_TIME = "give it more time: edgekit evaluate --timeout SECONDS"

Run = Callable[[Stored, Path, Path], None]
"""Runs an artifact once per row of a ``.npy`` file, and writes the outputs to another."""


@dataclass(frozen=True)
class Answers:
    """The scores of a subject for images.

    Attributes:
        scores: float32 ``(N, classes)``.
        classes: its own names of the classes, by number; empty when they are not known.
    """

    scores: NDArray[np.float32]
    scored: Scored
    classes: tuple[str, ...]


def here(timeout_s: float) -> Run:
    """Runs artifacts on this machine."""

    def run(stored: Stored, given: Path, taken: Path) -> None:
        artifact = stored.artifact
        request = {
            "model": str(file_of(stored.folder, artifact.model_file).resolve()),
            "threads": 1,
            "inputs": str(given),
            "outputs": str(taken),
            "shapes": artifact.input_shapes,
        }
        what = f"running {artifact.model} {artifact.profile}"
        ask_here(RunAnswer, artifact.runtime, request, timeout_s, what, more_time=MORE_TIME)

    return run


def there(transport: Transport, device: Device, timeout_s: float) -> Run:
    """Runs artifacts on a device.

    Raises:
        UsageError: a phone that only runs LiteRT's benchmark program, which cannot return outputs.
    """
    if isinstance(transport, NativePhone):
        raise UsageError(
            f"{device.id} runs LiteRT's benchmark program, which cannot return outputs",
            "install Python there (Termux) and name it in devices.toml, or evaluate on another device",
        )
    session = Session(transport, device, limits=replace(Limits(), launch_s=timeout_s))

    def run(stored: Stored, given: Path, taken: Path) -> None:
        session.run(stored, given, taken, silent)

    return run


def score(subject: Subject, images: Images, progress: Progress, timeout_s: float, run: Run | None = None) -> Answers:
    """The subject's answers to every image.

    Args:
        subject: the artifact or network.
        images: all of them.
        progress: receives an event as each step begins.
        timeout_s: limit of each run over a part of the images, or of a whole float network.
        run: how an artifact is run; on this machine when None.

    Raises:
        UsageError: a manifest that does not say how its input is made, a broken image.
        VerificationError: a score is not finite.
        ToolError: the runtime or the device fails.
    """
    with scratch_folder("evaluate") as work:
        if isinstance(subject, Stored):
            answers = score_artifact(subject, images, work, progress, run or here(timeout_s))
        else:
            answers = score_network(subject, images, work, progress, timeout_s)
    scores, scored = answers.scores, answers.scored
    if not np.isfinite(scores).all():
        bad = np.flatnonzero(~np.isfinite(scores).all(1))
        name = images.paths[bad[0]].name if images.paths else f"image {bad[0]}"
        raise VerificationError(f"{scored.name} gives scores that are not finite for {len(bad)} images, first {name}")
    return answers


def score_artifact(stored: Stored, images: Images, work: Path, progress: Progress, run: Run) -> Answers:
    """Run an artifact, a part of the images at a time.

    Raises:
        UsageError: its manifest does not say how its input is made.
        AnswerError: a device sent what no artifact gives.
    """
    artifact = stored.artifact
    given, taken = work / "inputs.npy", work / "outputs.npy"
    spec = artifact.inputs[0]
    if spec.preprocessing is None:
        raise UsageError(
            f"{stored.folder / MANIFEST} does not say how images become the input {spec.name}",
            artifact.again,
        )
    rows, columns = spec.preprocessing.size
    size = max(1, min(MOST, LARGEST_PART // (4 * rows * columns * len(spec.preprocessing.mean))))
    parts = []
    about = (f"{artifact.model} {artifact.profile}",)
    for start, stop in spans(len(images), size):
        progress(Step(f"images {start + 1} to {stop} of {len(images)}", about))
        np.save(given, to_input(images.take(start, stop, spec.preprocessing), spec))
        run(stored, given, taken)
        parts.append(from_output(read_outputs(taken, artifact.outputs[0], stop - start), artifact.outputs[0]))
        progress(PartDone("images", about, stop, len(images)))
    scored = Scored(
        kind="artifact",
        model=artifact.model,
        name=artifact.profile,
        sha256=artifact.sha256,
        precision=artifact.precision,
        weights_sha256=artifact.weights.sha256,
    )
    return Answers(np.concatenate(parts), scored, artifact.classes)


def score_network(network: Network, images: Images, work: Path, progress: Progress, timeout_s: float) -> Answers:
    """Run a float network in a child process with PyTorch."""
    wanted = network.wanted
    checkpoint = resolve_weights(network.card, wanted.weights)
    progress(Step(f"{len(images)} images in PyTorch", (network.card.id,)))
    array = None if images.array is None else work / "images.npy"
    if array is not None and images.array is not None:
        np.save(array, images.array)
    request = ScoresRequest(
        card=network.card,
        weights=None if checkpoint is None else checkpoint.absolute(),
        num_classes=wanted.num_classes,
        reading=wanted.reading,
        source=images.source,
        paths=images.paths,
        array=array,
        outputs=work / "scores.npy",
    )
    what = f"running {network.card.id}"
    found = run_isolated(jobs.scores, request, timeout_s, what, more_time=MORE_TIME, imports=NETWORK)
    scored = Scored(kind="network", model=network.card.id, name=found.weights, sha256=found.sha256)
    return Answers(np.load(request.outputs), scored, found.classes)
