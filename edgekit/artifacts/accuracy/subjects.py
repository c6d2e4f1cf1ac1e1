"""What can be evaluated: an artifact, a foreign model file, a float network in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from ...base.absent import is_absent_file, no_file
from ...base.fetched.hubs import hub_id
from ...base.owned import MANIFEST
from ...catalog import find_card
from ...errors import UsageError
from ...types import (
    Artifact,
    CheckpointReading,
    ModelCard,
    Origin,
    Preprocessing,
    Scored,
    Stored,
    TensorSpec,
)
from ...zoo.preprocessing import NO_WISHES, Wishes, settled
from ...zoo.weights import resolve_weights
from ..find import is_listed, looks_like_path
from ..foreign import FORMAT_OF, adopt, is_model_file
from ..store import artifact_folders, card_of, check_files, read_manifest

FLOAT = "float"
AS_IT_IS = CheckpointReading()


@dataclass(frozen=True)
class Wanted:
    """How to make float networks, and how to prepare images for foreign files.

    Attributes:
        weights: a checkpoint, ``pretrained`` or ``random``.
        num_classes: of random weights; for a checkpoint the count that it is to have.
        reading: how a checkpoint is to be read.
        wishes: of the command line for their input.
        shapes: of inputs that a foreign model file leaves open, by name.
    """

    weights: str = "random"
    num_classes: int | None = None
    reading: CheckpointReading = AS_IT_IS
    wishes: Wishes = NO_WISHES
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Network:
    """A float network in PyTorch: a card and its weights."""

    card: ModelCard
    wanted: Wanted


Subject = Stored | Network


def find_subject(name: str, wanted: Wanted) -> Subject:
    """The artifact, file or network that ``name`` means; an artifact knows its input itself.

    Raises:
        UsageError: none of them, or a file whose input or output is none of a classifier of images.
    """
    path = Path(name)
    if is_absent_file(name):
        raise no_file(name)
    if is_model_file(path) and not is_listed(path):
        return foreign(path, wanted)
    folder = path.parent if path.is_file() and path.suffix != ".toml" else path
    if (folder / MANIFEST).is_file():
        stored = read_manifest(folder)
        check_files(stored)
        if not knows_images(stored.artifact):
            return seeing(stored, folder, wanted.wishes)
        check_classifies(stored.artifact, folder)
        return stored
    if path.suffix != ".toml" and (path.exists() or (looks_like_path(name) and not hub_id(name))):
        state = "is not an artifact: it has" if path.exists() else "does not exist: there is"
        raise UsageError(
            f"{name} {state} no {MANIFEST}",
            f"give an artifact folder of edgekit export, a model file ({', '.join(FORMAT_OF)}) or a model id",
        )
    card = find_card(name)
    return Network(settled(card, resolve_weights(card, wanted.weights), wanted.wishes), wanted)


def foreign(path: Path, wanted: Wanted) -> Stored:
    """A model file that edgekit did not export, with the preprocessing that the options say.

    Raises:
        UsageError: as for :func:`seeing`.
    """
    return seeing(adopt(path, dict(wanted.shapes)), path, wanted.wishes)


def knows_images(artifact: Artifact) -> bool:
    """False for a network of a user's own that no images calibrated: nothing says how images become its input."""
    return artifact.of_the_zoo or artifact.inputs[0].preprocessing is not None


def seeing(stored: Stored, path: Path, wishes: Wishes) -> Stored:
    """An artifact that does not know itself how images become its input, with the preprocessing that the options say.

    Args:
        stored: it.
        path: as the user named it.
        wishes: of the command line.

    Raises:
        UsageError: the options leave mean or std open, or its input and output are none of a classifier of images.
    """
    check_classifies(stored.artifact, path)
    artifact = stored.artifact
    spec = artifact.inputs[0]
    made = asked(path, spec, wishes)
    return Stored(stored.folder, artifact.model_copy(update={"inputs": (with_preprocessing(spec, made),)}))


def check_classifies(artifact: Artifact, path: Path) -> None:
    """Make sure that an artifact takes one batch of images and gives the scores of classes.

    Args:
        artifact: it.
        path: as the user named it.

    Raises:
        UsageError: it takes or gives something else.
    """
    if len(artifact.inputs) > 1 or artifact.inputs[0].layout not in ("NCHW", "NHWC"):
        seen = ", ".join(f"{one.name} {list(one.shape)}" for one in artifact.inputs)
        raise UsageError(f"{path} takes {seen}, and evaluate gives one batch of images", "evaluate it in your own code")
    if len(artifact.outputs) > 1 or len(artifact.outputs[0].shape) != 2:
        seen = ", ".join(f"{one.name} {list(one.shape)}" for one in artifact.outputs)
        raise UsageError(
            f"{path} gives {seen}, and class scores are [N, classes]",
            "evaluate takes classifiers; edgekit verify compares every output",
        )


def with_preprocessing(spec: TensorSpec, made: Preprocessing) -> TensorSpec:
    """The input with its preprocessing; whole numbers without a scale are pixels from 0 to 255."""
    raw = spec.dtype == "uint8" and spec.quantization is None
    return spec.model_copy(update={"preprocessing": made.model_copy(update={"baked": raw})})


def asked(path: Path, spec: TensorSpec, wishes: Wishes) -> Preprocessing:
    """The preprocessing that the options say of a file which says nothing itself.

    Raises:
        UsageError: mean or std is missing, or the values are none that a network is trained with.
    """
    given = wishes.given()
    if not {"mean", "std"} <= given.keys():
        raise UsageError(
            f"{path} does not say how images become its input {spec.name}",
            "say it: --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225, and --resize 256 where images are cropped",
        )
    rows, columns, channels = sides_of(spec)
    size = given.pop("input_size", (rows, columns))
    if size != (rows, columns):
        raise UsageError(
            f"--input-size {size[0]}x{size[1]}, and {path} takes {rows} x {columns}", "leave --input-size out"
        )
    given.setdefault("crop", (rows, columns))
    given.setdefault("resize", (rows, columns))
    given.setdefault("channels", "L" if channels == 1 else "RGB")
    try:
        origin = Origin(kind="options", source=f"the command line ({', '.join(wishes.words()[::2])})")
        made = Preprocessing.from_plain({**given, "origin": origin.to_plain()})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {first['msg'].removeprefix('Value error, ')}", "give other values") from error
    if made.size != (rows, columns) or len(made.mean) != channels:
        seen = f"{len(made.mean)} channel(s) of {made.size[0]} x {made.size[1]}"
        raise UsageError(
            f"the options make images of {seen}, and {path} takes {channels} of {rows} x {columns}",
            "--crop and --channels must fit it",
        )
    return made


def sides_of(spec: TensorSpec) -> tuple[int, int, int]:
    """Height, width and channels of an input of images."""
    first, second, third = spec.shape[1:]
    return (second, third, first) if spec.layout == "NCHW" else (first, second, third)


def find_reference(against: str, subject: Subject, wanted: Wanted) -> Subject:
    """What ``--against`` means.

    Raises:
        UsageError: ``float`` for a float network or a foreign file, or weights other than those that the artifact
            was made from.
    """
    if against != FLOAT:
        return find_subject(against, wanted)
    if isinstance(subject, Network):
        raise UsageError("--against float compares an artifact with its network", "give another model or an artifact")
    artifact = subject.artifact
    if artifact.origin:
        raise UsageError(
            f"edgekit does not know the float network of {artifact.origin}", "name its float file in --against"
        )
    made_from = artifact.weights
    if not artifact.of_the_zoo:
        return float_artifact(subject, wanted)
    if made_from.kind != "random" and wanted.weights == "random":
        raise UsageError(
            f"{subject.folder} was made from {made_from.source}, and the float network needs the same weights",
            "add --weights FILE or --weights pretrained",
        )
    classes = artifact.outputs[0].shape[-1]
    card = with_input_of(card_of(artifact), artifact.inputs[0])
    num_classes = None if classes == card.num_classes else classes
    return Network(card, replace(wanted, num_classes=num_classes, reading=reading_of(artifact, wanted.reading)))


def float_artifact(subject: Stored, wanted: Wanted) -> Stored:
    """The float32 artifact that was made from the same weights: what stands for a network whose code is a user's own,
    which is not run again.

    Raises:
        UsageError: there is none beside it, or weights are named that such a network has not.
    """
    if wanted.weights != "random":
        raise UsageError(
            f"{subject.folder} was made from {subject.artifact.weights.source}, which brings its weights",
            "leave --weights out",
        )
    beside = [read_manifest(folder) for folder in artifact_folders(subject.folder.parent)]
    alike = [
        one
        for one in beside
        if one.artifact.precision == "fp32"
        and one.artifact.weights.sha256 == subject.artifact.weights.sha256
        and one.artifact.sha256 != subject.artifact.sha256
    ]
    if not alike:
        raise UsageError(
            f"no float32 artifact of the same weights lies beside {subject.folder}: it stands for your own code",
            "export one (without --int8), or name another artifact in --against",
        )
    first = min(alike, key=lambda one: one.artifact.format != subject.artifact.format)
    return first if knows_images(first.artifact) else seeing(first, first.folder, wanted.wishes)


def reading_of(artifact: Artifact, wanted: CheckpointReading) -> CheckpointReading:
    """How the artifact's checkpoint was read, if its manifest tells; else as ``wanted`` says."""
    if artifact.weights.kind == "random" or artifact.card is None:
        return wanted
    padded = bool(artifact.card.architecture.get("tf_padding"))
    return CheckpointReading(ema=artifact.weights.average, tf_padding=None if padded else False)


def with_input_of(card: ModelCard, spec: TensorSpec) -> ModelCard:
    """The card with the artifact's input size."""
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


def preprocessing_of(subject: Subject) -> Preprocessing | None:
    """How images become the subject's input; None where a manifest does not say."""
    return subject.artifact.inputs[0].preprocessing if isinstance(subject, Stored) else subject.card.preprocessing
