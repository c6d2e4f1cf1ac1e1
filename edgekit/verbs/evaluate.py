"""``edgekit evaluate``: accuracy of an artifact or a network against labels, and against another one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..artifacts.children import jobs
from ..artifacts.find import looks_like_path
from ..artifacts.image_sources import is_data_set, read_data_set
from ..artifacts.imports import NETWORK
from ..artifacts.requests import ScoresRequest
from ..artifacts.store import card_of, check_files, file_of, read_manifest
from ..base.images.image_arrays import size_note
from ..base.images.pixels import from_output, to_input
from ..base.owned import MANIFEST
from ..base.processes.isolate import run_isolated
from ..base.progress import Counted, Progress, Step
from ..base.scratch import scratch_folder
from ..base.stats import wilson
from ..bench.launch import call_agent
from ..catalog import find_card
from ..errors import UsageError, VerificationError
from ..training.datasets import ArrayImages
from ..types import Artifact, CheckpointReading, Evaluation, ModelCard, Preprocessing, Scored, Stored, TensorSpec
from ..verify.accuracy import hits_at, paired_drop
from ..verify.evaluation_data import Images, load_images, spans, with_numbers
from ..verify.parity import sqnr_db
from ..zoo.preprocessing import NO_WISHES, Wishes, settled
from ..zoo.weights import resolve_weights

Scores = NDArray[np.float32]

CHUNK = 128
"""Images that are in memory at once."""
TIMEOUT_S = 600.0
MORE_TIME = "give it more time: edgekit evaluate --timeout SECONDS"
TOP5_CLASSES = 10
SMALL = 1000
FLOAT = "float"
AS_IT_IS = CheckpointReading()


@dataclass(frozen=True)
class Wanted:
    """How float networks are to be made.

    Attributes:
        weights: a checkpoint, ``pretrained`` or ``random``.
        num_classes: of random weights; for a checkpoint the count that it is to have.
        reading: how a checkpoint is to be read.
        wishes: of the command line for their input.
    """

    weights: str = "random"
    num_classes: int | None = None
    reading: CheckpointReading = AS_IT_IS
    wishes: Wishes = NO_WISHES


@dataclass(frozen=True)
class Network:
    """A float network in PyTorch: a card and its weights."""

    card: ModelCard
    wanted: Wanted


Subject = Stored | Network


@dataclass(frozen=True)
class Answers:
    """What a subject says of images.

    Attributes:
        scores: float32 ``(N, classes)``.
        classes: its own names of the classes, by number; empty where nobody kept them.
    """

    scores: Scores
    scored: Scored
    classes: tuple[str, ...]


def evaluate(
    name: str,
    data: str,
    labels: str | None,
    against: str | None,
    wanted: Wanted,
    progress: Progress,
    timeout_s: float = TIMEOUT_S,
) -> Evaluation:
    """Evaluate an artifact or model.

    Args:
        name: artifact folder or a file in it, model id or card.
        data: folder of images or class folders, ``.npz``, or the name of a data set.
        labels: label file, or None for those that the data brings.
        against: what to compare with, named as ``name``; ``float`` for the network that the artifact was made from.
        wanted: how float networks are made.
        progress: told what begins.
        timeout_s: limit of each run over a part of the images, or of a whole float network.

    Raises:
        UsageError: an unknown name, data or labels that do not fit, nothing to compare with.
        VerificationError: scores that are not finite.
    """
    subject = find_subject(name, wanted)
    if isinstance(subject, Stored) and wanted.wishes != NO_WISHES and against in (None, FLOAT):
        options = " ".join(wanted.wishes.words())
        raise UsageError(
            f"{options} says how a float network sees images, and {subject.folder} knows that itself",
            "export it again with these options",
        )
    reference = None if against is None else find_reference(against, subject, wanted)
    images = data_set_images(data, labels) if is_data_set(data) else load_images(data, labels)
    if images.labels is None and reference is None:
        raise UsageError(
            f"{data} has no labels, and there is nothing to compare with",
            "give --labels FILE, class folders, or --against (float, a model or an artifact)",
        )
    answers = score(subject, images, progress, timeout_s)
    other = None if reference is None else score(reference, images, progress, timeout_s)
    if against == FLOAT and isinstance(subject, Stored) and other is not None:
        check_same_weights(subject, other.scored)
    if other is not None and other.scores.shape != answers.scores.shape:
        raise UsageError(
            f"{answers.scored.name} gives {answers.scores.shape[1]} scores and the reference {other.scores.shape[1]}",
            "compare networks of the same classes (--num-classes)",
        )
    known = answers.classes or (() if other is None else other.classes)
    made = preprocessing_of(subject)
    images = replace(images, notes=(*images.notes, *input_notes(images, made)))
    return judge(with_numbers(images, answers.scores.shape[1], known), answers, other)


def data_set_images(data: str, labels: str | None) -> Images:
    """The test images of a data set that edgekit knows by name.

    Raises:
        UsageError: a label file for it, or a broken file.
        ToolError: it is not installed.
    """
    if labels is not None:
        raise UsageError(f"{data} has its labels itself", "leave --labels out")
    found = read_data_set(data)
    test = found.test
    assert isinstance(test.images, ArrayImages)
    note = f"the {len(test.labels)} test images of {found.name}"
    return Images(data, array=test.images.array, labels=test.labels, class_names=found.classes, notes=(note,))


def preprocessing_of(subject: Subject) -> Preprocessing | None:
    """How images become the subject's input; None where a manifest does not say."""
    return subject.artifact.inputs[0].preprocessing if isinstance(subject, Stored) else subject.card.preprocessing


def input_notes(images: Images, made: Preprocessing | None) -> list[str]:
    """What has to be said of the way from images to the input."""
    notes = []
    if images.array is not None and made is not None:
        notes.append(size_note(images.array, made))
    if made is not None and made.origin is not None and made.origin.kind == "assumed":
        notes.append(f"the preprocessing is assumed, from {made.origin.source}")
    return [note for note in notes if note]


def judge(images: Images, answers: Answers, reference: Answers | None) -> Evaluation:
    """The figures from the scores."""
    scores, other = answers.scores, None if reference is None else reference.scores
    count, classes = scores.shape
    result = Evaluation(
        subject=answers.scored,
        reference=None if reference is None else reference.scored,
        data=images.source,
        images=count,
        classes=classes,
    )
    found: dict[str, object] = {"notes": (*images.notes, *notes(count, other))}
    right = None
    if images.labels is not None:
        right = hits_at(scores, images.labels, 1)
        found["top1"] = wilson(int(right.sum()), count)
        if classes >= TOP5_CLASSES:
            found["top5"] = wilson(int(hits_at(scores, images.labels, 5).sum()), count)
    if other is not None:
        exact, given = other.astype(np.float64), scores.astype(np.float64)
        found["agreement"] = wilson(int((exact.argmax(1) == given.argmax(1)).sum()), count)
        found["sqnr_db"] = sqnr_db(exact, given)
        found["image_sqnr_db"] = sqnr_db(exact, given, shared=exact.mean(0)) if count > 1 else None
        if right is not None and images.labels is not None:
            reference_right = hits_at(other, images.labels, 1)
            found["reference_top1"] = wilson(int(reference_right.sum()), count)
            found["drop"] = paired_drop(right, reference_right)
    return result.model_copy(update=found)


def notes(count: int, other: Scores | None) -> tuple[str, ...]:
    """What a reader must not overlook."""
    found = []
    if count < SMALL:
        half = (wilson(count // 2, count).high - wilson(count // 2, count).low) / 2
        found.append(
            f"{count} image{'s' * (count != 1)}: a share near one half is known to ±{100 * half:.0f} points, no better"
        )
    if other is not None and count > 1 and len(np.unique(other.argmax(1))) == 1:
        found.append("the reference picks one class for every image: agreement says little (random weights?)")
    return tuple(found)


def find_subject(name: str, wanted: Wanted) -> Subject:
    """The artifact or network that ``name`` means; an artifact knows its input itself.

    Raises:
        UsageError: neither.
    """
    path = Path(name)
    folder = path.parent if path.is_file() and path.suffix != ".toml" else path
    if (folder / MANIFEST).is_file():
        stored = read_manifest(folder)
        check_files(stored)
        return stored
    if path.suffix != ".toml" and (path.exists() or looks_like_path(name)):
        state = "is not an artifact: it has" if path.exists() else "does not exist: there is"
        raise UsageError(f"{name} {state} no {MANIFEST}", "give an artifact folder of edgekit export, or a model id")
    card = find_card(name)
    return Network(settled(card, resolve_weights(card, wanted.weights), wanted.wishes), wanted)


def find_reference(against: str, subject: Subject, wanted: Wanted) -> Subject:
    """What ``--against`` means.

    Raises:
        UsageError: ``float`` for a float network, or weights other than those that the artifact was made from.
    """
    if against != FLOAT:
        return find_subject(against, wanted)
    if isinstance(subject, Network):
        raise UsageError("--against float compares an artifact with its network", "give another model or an artifact")
    made_from = subject.artifact.weights
    if made_from.kind != "random" and wanted.weights == "random":
        raise UsageError(
            f"{subject.folder} was made from {made_from.source}, and the float network needs the same weights",
            "add --weights FILE or --weights pretrained",
        )
    classes = subject.artifact.outputs[0].shape[-1]
    card = with_input_of(card_of(subject.artifact), subject.artifact.inputs[0])
    num_classes = None if classes == card.num_classes else classes
    return Network(card, replace(wanted, num_classes=num_classes, reading=reading_of(subject.artifact, wanted.reading)))


def reading_of(artifact: Artifact, wanted: CheckpointReading) -> CheckpointReading:
    """How the checkpoint was read that an artifact was made from, as far as its manifest tells; else as ``wanted``."""
    if artifact.weights.kind == "random" or artifact.card is None:
        return wanted
    padded = bool(artifact.card.architecture.get("tf_padding"))
    return CheckpointReading(ema=artifact.weights.average, tf_padding=None if padded else False)


def with_input_of(card: ModelCard, spec: TensorSpec) -> ModelCard:
    """The card with the input that an artifact has."""
    if spec.preprocessing is None:
        return card
    made = spec.preprocessing.model_copy(update={"baked": False})
    return card.model_copy(update={"preprocessing": made, "input_shape": (len(made.mean), *made.size)})


def check_same_weights(stored: Stored, reference: Scored) -> None:
    """Make sure that the float network has the weights that the artifact was made from.

    Raises:
        UsageError: it has others.
    """
    made_from = stored.artifact.weights
    if made_from.sha256 != reference.sha256:
        raise UsageError(
            f"{stored.folder} was made from {made_from.source} (sha256 {made_from.sha256[:12]}), and the float network "
            f"has {reference.name} (sha256 {reference.sha256[:12]})",
            "give the same --weights as for the export; to compare with other weights, name the model in --against",
        )


def score(subject: Subject, images: Images, progress: Progress, timeout_s: float) -> Answers:
    """The subject's answers to every image.

    Raises:
        VerificationError: a score is not finite.
    """
    with scratch_folder("evaluate") as work:
        if isinstance(subject, Stored):
            answers = score_artifact(subject, images, work, progress, timeout_s)
        else:
            answers = score_network(subject, images, work, progress, timeout_s)
    scores, scored = answers.scores, answers.scored
    if not np.isfinite(scores).all():
        bad = np.flatnonzero(~np.isfinite(scores).all(1))
        name = images.paths[bad[0]].name if images.paths else f"image {bad[0]}"
        raise VerificationError(f"{scored.name} gives scores that are not finite for {len(bad)} images, first {name}")
    return answers


def score_artifact(stored: Stored, images: Images, work: Path, progress: Progress, timeout_s: float) -> Answers:
    """Run an artifact in the agent, a part of the images at a time.

    Raises:
        UsageError: its manifest does not say how its input is made.
    """
    artifact = stored.artifact
    given, taken = work / "inputs.npy", work / "outputs.npy"
    spec = artifact.inputs[0]
    if spec.preprocessing is None:
        raise UsageError(
            f"{stored.folder / MANIFEST} does not say how images become the input {spec.name}",
            artifact.again,
        )
    parts = []
    about = (f"{artifact.model} {artifact.profile}",)
    for start, stop in spans(len(images), CHUNK):
        progress(Step(f"images {start + 1} to {stop} of {len(images)}", about))
        np.save(given, to_input(images.take(start, stop, spec.preprocessing), spec))
        call_agent(
            {
                "command": "run",
                "runtime": artifact.runtime,
                "model": str(file_of(stored.folder, artifact.model_file).resolve()),
                "threads": 1,
                "inputs": str(given),
                "outputs": str(taken),
            },
            timeout_s,
            f"running {artifact.model} {artifact.profile}",
            more_time=MORE_TIME,
        )
        parts.append(from_output(np.load(taken), artifact.outputs[0]))
        progress(Counted("images", about, stop, len(images)))
    scored = Scored(kind="artifact", model=artifact.model, name=artifact.profile, sha256=artifact.sha256)
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
