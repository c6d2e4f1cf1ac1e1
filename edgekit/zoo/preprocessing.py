"""How images become a network's input belongs to its weights, not to its architecture: find out who says it.

In this order: the command line; the weights' own file, where edgekit trained them; ``preprocessor_config.json`` or
``config.json`` beside the file; what torchvision's or timm's trainer recorded, in the file or in ``args.yaml``; the
published recipe of weights that are known by digest or name; the user's own card.
Where none of them says anything, edgekit's card is assumed to be right, and that is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.files import sha256_file
from ..catalog import MODELS, builtin_folder, load_all
from ..errors import ToolError, UsageError
from ..types import ModelCard, Origin, Preprocessing, Weights
from .graphdef import of_tf_slim
from .keras_config import input_size, rescaling
from .keras_files import is_keras, layers_in
from .pickled import checkpoint_values
from .preprocessing_files import beside, recorded
from .trainer_args import trainer_args

Size = tuple[int, int]


@dataclass(frozen=True)
class Wishes:
    """What the command line says of the input; None where it says nothing.

    Attributes:
        resize, crop: as in :class:`~edgekit.types.Preprocessing`.
        input_size: ``(height, width)``.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: int | Size | None = None
    crop: int | Size | None = None
    interpolation: str | None = None
    channels: str | None = None
    input_size: Size | None = None

    def given(self) -> dict[str, Any]:
        """The fields that say something, as changes of a card."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    def words(self) -> list[str]:
        """The options as typed."""
        return [
            word
            for name, value in self.given().items()
            for word in (f"--{name.replace('_', '-')}", text_of(value, "x" if name in SIZES else ","))
        ]


TF_SLIM_RECIPE = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
"""``inception_preprocessing.py`` of tensorflow/models: pixels from -1 to 1, the rest as the card has it."""
SIZES = ("resize", "crop", "input_size")
NO_WISHES = Wishes()


def text_of(value: Any, separator: str) -> str:
    """A value as an option takes it: ``96x128``, ``0.5,0.5,0.5``."""
    return separator.join(map(str, value)) if isinstance(value, tuple) else str(value)


def settled(card: ModelCard, checkpoint: Path | None, wishes: Wishes = NO_WISHES) -> ModelCard:
    """The card with the preprocessing and the input size that its weights were trained with, and who says so.

    Args:
        card: of the network.
        checkpoint: file of its weights; None for random ones, for which any preprocessing is right.
        wishes: of the command line.

    Raises:
        UsageError: values that no network is trained with, or that contradict each other.
    """
    found, origin = told(card, checkpoint)
    card = changed(card, found, origin, origin.source)
    given = wishes.given()
    if not given:
        return card
    listed = ", ".join(f"--{name.replace('_', '-')}" for name in given)
    if {"mean", "std"} <= given.keys():
        origin = Origin(kind="options", source=f"the command line ({listed})")
    else:
        origin = origin.model_copy(update={"source": f"{origin.source}; {listed} from the command line"})
    return changed(card, given, origin, listed)


def told(card: ModelCard, checkpoint: Path | None) -> tuple[dict[str, Any], Origin]:
    """What is said of a checkpoint's preprocessing, and who says it.

    It comes as changes of the card: values as read, which are checked when the card takes them.
    """
    if checkpoint is None:
        return {}, Origin(kind="card", source="the card")
    content = checkpoint_values(checkpoint)
    own = recorded(content)
    if own is not None:
        kept = own.model_dump(exclude={"baked", "origin", "crop"})
        return {**kept, "input_size": own.size}, Origin(kind="checkpoint", source=f"its training ({checkpoint.name})")
    found = beside(checkpoint)
    if found is not None:
        return found.changes, Origin(kind="file", source=found.path.name)
    args = trainer_args(checkpoint, content, card)
    if args is not None:
        return args.changes, Origin(kind="checkpoint", source=args.source)
    entry = published(card, checkpoint)
    if entry is not None:
        return recipe_of(entry), Origin(kind="published", source=f"the published recipe of {entry.name}")
    if of_tf_slim(checkpoint):
        return TF_SLIM_RECIPE, Origin(kind="published", source="the published recipe of TF-Slim's MobileNets")
    if is_keras(checkpoint):
        return of_keras(checkpoint)
    if is_own(card):
        return {}, Origin(kind="card", source=f"the card {card.id}")
    return {}, Origin(kind="assumed", source=f"the card {card.id}: nothing says how {checkpoint.name} was trained")


def of_keras(checkpoint: Path) -> tuple[dict[str, Any], Origin]:
    """What a model of Keras says of its images: its input's size, and its own Rescaling layer if it has one."""
    try:
        layers = layers_in(checkpoint)
    except (ValueError, OSError, ToolError):
        layers = ()  # whoever loads the weights says what is wrong with them
    size, scales = input_size(layers), rescaling(layers)
    changes: dict[str, Any] = {} if size is None else {"input_size": size}
    if scales is not None:
        mean, std = ((round(one, 6),) * 3 for one in scales)
        return {**changes, "mean": mean, "std": std}, Origin(kind="checkpoint", source="the model's Rescaling layer")
    why = f"Keras Applications' recipe, pixels from -1 to 1: nothing says how {checkpoint.name} was trained"
    return {**changes, **TF_SLIM_RECIPE}, Origin(kind="assumed", source=why)


def published(card: ModelCard, checkpoint: Path) -> Weights | None:
    """The known weights that a file holds: by its digest, or by what its path says."""
    digest = sha256_file(checkpoint) if any(entry.sha256 for entry in card.weights) else ""
    for entry in card.weights:
        if entry.sha256 and digest.startswith(entry.sha256):
            return entry
    path = "/".join(checkpoint.absolute().parts)
    for entry in card.weights:
        names = [entry.name.split()[-1]] if entry.name.startswith("timm ") else []
        names += [entry.sha256] if entry.sha256 else []
        if any(re.search(rf"(?<![A-Za-z0-9_.]){re.escape(name)}(?![A-Za-z0-9_])", path) for name in names):
            return entry
    return None


def recipe_of(entry: Weights) -> dict[str, Any]:
    """What published weights say of their preprocessing; what they leave out is as the card has it."""
    names = ("mean", "std", "resize", "interpolation", "channels")
    return {name: getattr(entry, name) for name in names if getattr(entry, name) is not None}


def is_own(card: ModelCard) -> bool:
    """True for a card that the user wrote, at least as far as its preprocessing goes."""
    builtin = load_all(ModelCard, (builtin_folder(MODELS).resolve(),)).get(card.id)
    return builtin is None or builtin.preprocessing != card.preprocessing


def changed(card: ModelCard, changes: Mapping[str, Any], origin: Origin, source: str) -> ModelCard:
    """The card with other preprocessing; sizes that nothing says follow from those that something says.

    Raises:
        UsageError: it is none that a network can have; the message begins with ``source``.
    """
    before = card.preprocessing
    size = changes.get("input_size", before.size)
    values = {name: value for name, value in changes.items() if name != "input_size"}
    crop = values.pop("crop", None)
    if crop is not None and (crop, crop) != size and crop not in (size, min(size)):
        raise UsageError(
            f"{source}: the crop {text_of(crop, 'x')} and the input of {size[0]} x {size[1]} do not agree",
            f"--input-size {text_of(crop, 'x')} changes the network's input",
        )
    if size != before.size and "resize" not in values:
        values["resize"] = scaled(before, size)
    channels = values.get("channels", before.channels)
    try:
        made = Preprocessing.from_plain(
            {
                **before.to_plain(),
                "crop": size[0] if size[0] == size[1] else size,
                **values,
                "origin": origin.to_plain(),
            }
        )
        shape = (1 if made.channels == "L" else 3, *size)
        return ModelCard.from_plain({**card.to_plain(), "input_shape": shape, "preprocessing": made.to_plain()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        hint = "give one value of mean and std for grey images" if channels == "L" else "give other values"
        raise UsageError(f"{source}: {where + ': ' if where else ''}{message}", hint) from error


def scaled(before: Preprocessing, size: Size) -> int | Size:
    """``resize`` for another input size, in the proportion to the crop that it had; rounded down, as timm does."""
    if isinstance(before.resize, int):
        return math.floor(min(size) * before.resize / min(before.size))
    rows, columns = (math.floor(new * r / old) for new, r, old in zip(size, before.resize, before.size, strict=True))
    return rows, columns
