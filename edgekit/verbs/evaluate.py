"""``edgekit evaluate``: accuracy of an artifact or a network against labels, and against another one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from ..artifacts.accuracy.kept import keep
from ..artifacts.accuracy.scores import TIMEOUT_S, Answers, score, there
from ..artifacts.accuracy.subjects import (
    FLOAT,
    Network,
    Subject,
    Wanted,
    check_same_weights,
    find_reference,
    find_subject,
    knows_images,
    preprocessing_of,
)
from ..artifacts.find import check_shapes
from ..artifacts.image_sources import is_data_set, read_data_set
from ..artifacts.store import read_manifest
from ..base.images.image_arrays import size_note
from ..base.progress import Note, Progress, Warned
from ..base.stats import wilson
from ..devices.inventory import find_device
from ..devices.quarantine import admit
from ..devices.reach import reach
from ..errors import ToolError, UsageError
from ..training.datasets import ArrayImages
from ..types import Evaluation, Preprocessing, Stored
from ..verify.accuracy import hits_at, paired_drop
from ..verify.drop_gate import judge_drop
from ..verify.evaluation_data import Images, load_images, no_labels, some, with_numbers
from ..verify.parity import sqnr_db
from ..zoo.preprocessing import NO_WISHES

TOP5_CLASSES = 10
SMALL = 1000


@dataclass(frozen=True)
class Asked:
    """What else is asked of the evaluation.

    Attributes:
        device: where the artifact runs; this machine when None.
        max_drop: points of top-1 that it may lose against the reference.
        images: number of images to evaluate on, evenly spaced; all when None.
        timeout_s: limit of each run over a part of the images, or of a whole float network.
        force: run even on a quarantined device.
    """

    device: str | None = None
    max_drop: float | None = None
    images: int | None = None
    timeout_s: float = TIMEOUT_S
    force: bool = False


NOTHING_MORE = Asked()


def evaluate(
    name: str,
    data: str,
    labels: str | None,
    against: str | None,
    wanted: Wanted,
    progress: Progress,
    asked: Asked = NOTHING_MORE,
) -> Evaluation:
    """Evaluate an artifact or model; the evaluation of an artifact is stored beside it.

    Args:
        name: artifact folder or a file in it, a foreign model file, model id or card.
        data: folder of images or class folders, ``.npz``, or the name of a data set.
        labels: label file, or None for those that the data brings.
        against: what to compare with, named as ``name``; ``float`` for the network that the artifact was made from.
            It runs on this machine.
        wanted: how float networks are made, and how foreign files see images.
        progress: receives an event as each step begins.
        asked: device, limit, number of images.

    Raises:
        UsageError: an unknown name, data or labels that do not fit, nothing to compare with, a limit without labels or
            reference, a device for a float network.
        VerificationError: scores that are not finite.
        ToolError: the device fails.
    """
    subject = find_subject(name, wanted)
    check_asked(subject, against, wanted, asked)
    reference = None if against is None else find_reference(against, subject, wanted)
    check_shapes(dict(wanted.shapes), [one for one in (subject, reference) if isinstance(one, Stored)])
    images = images_of(data, labels)
    if images.labels is None and (reference is None or asked.max_drop is not None):
        raise no_labels(
            data,
            "there is nothing to compare with" if reference is None else "--max-drop is about right answers",
            "" if asked.max_drop is not None else ", or --against (float, a model or an artifact)",
        )
    if asked.images is not None:
        images = some(images, asked.images)
    answers = answers_of(subject, images, progress, asked)
    other = None if reference is None else score(reference, images, progress, asked.timeout_s)
    if isinstance(reference, Network) and against == FLOAT and isinstance(subject, Stored) and other is not None:
        check_same_weights(subject, other.scored)
    if other is not None and other.scores.shape != answers.scores.shape:
        raise UsageError(
            f"{answers.scored.name} gives {answers.scores.shape[1]} scores and the reference {other.scores.shape[1]}",
            "compare networks of the same classes (--num-classes)",
        )
    known = answers.classes or (() if other is None else other.classes)
    images = replace(images, notes=(*images.notes, *input_notes(images, preprocessing_of(subject))))
    found = judge(with_numbers(images, answers.scores.shape[1], known), answers, other)
    more: dict[str, object] = {
        "device": asked.device,
        "evaluated_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if asked.max_drop is not None and found.drop is not None:
        more["verdict"] = judge_drop(found.drop, asked.max_drop)
    found = found.model_copy(update=more)
    if isinstance(subject, Stored):
        keep_beside(subject, found, progress)
    return found


def check_asked(subject: Subject, against: str | None, wanted: Wanted, asked: Asked) -> None:
    """Make sure that the requests do not contradict each other, before anything runs.

    Raises:
        UsageError: it does not.
    """
    if isinstance(subject, Network) and asked.device is not None:
        raise UsageError(
            f"{subject.card.id} is a float network in PyTorch, and --device runs artifacts",
            f"edgekit export {subject.card.id} --format tflite, then evaluate its folder",
        )
    if asked.max_drop is not None and against is None:
        raise UsageError("--max-drop limits what is lost against another network", "add --against float")
    if isinstance(subject, Network) or subject.artifact.origin:
        return
    if knows_images(read_manifest(subject.folder).artifact) and wanted.wishes != NO_WISHES and against in (None, FLOAT):
        options = " ".join(wanted.wishes.words())
        raise UsageError(
            f"{options} says how a float network sees images, and {subject.folder} knows that itself",
            "export it again with these options",
        )


def answers_of(subject: Subject, images: Images, progress: Progress, asked: Asked) -> Answers:
    """The subject's answers, from the device that was asked for."""
    if asked.device is None:
        return score(subject, images, progress, asked.timeout_s)
    place = find_device(asked.device)
    admit(place, asked.force, progress)
    with reach(place, progress) as transport:
        return score(subject, images, progress, asked.timeout_s, there(transport, place, asked.timeout_s))


def keep_beside(stored: Stored, found: Evaluation, progress: Progress) -> None:
    """Store the evaluation beside its artifact; a folder that cannot be written causes a warning, not an error."""
    try:
        progress(Note(f"kept in {keep(stored, found)}"))
    except ToolError as error:
        progress(Warned(f"the evaluation was not kept: {error}"))


def images_of(data: str, labels: str | None) -> Images:
    """The images that ``data`` means, and their labels where there are any.

    Raises:
        UsageError: no images there, or labels that do not fit them.
        ToolError: a data set of that name is not installed.
    """
    return data_set_images(data, labels) if is_data_set(data) else load_images(data, labels)


def labelled(data: str, labels: str | None) -> Images:
    """The images that ``data`` means, for what is about right answers.

    Raises:
        UsageError: they have no labels, or as for :func:`images_of`.
        ToolError: as for :func:`images_of`.
    """
    found = images_of(data, labels)
    if found.labels is None:
        raise no_labels(data)
    return found


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


def input_notes(images: Images, made: Preprocessing | None) -> list[str]:
    """Notes about the way from images to the input."""
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


def notes(count: int, other: np.ndarray | None) -> tuple[str, ...]:
    """Notes that a reader must not overlook."""
    found = []
    if count < SMALL:
        half = (wilson(count // 2, count).high - wilson(count // 2, count).low) / 2
        found.append(
            f"{count} image{'s' * (count != 1)}: a share near one half is known to ±{100 * half:.0f} points, no better"
        )
    if other is not None and count > 1 and len(np.unique(other.argmax(1))) == 1:
        found.append("the reference picks one class for every image: agreement says little (random weights?)")
    return tuple(found)
