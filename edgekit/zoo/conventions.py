"""What weights were trained with and no tensor says, as far as the card holds it: TensorFlow's padding and epsilon.

Weights from TensorFlow (timm's ``tf_`` models are converted from there) need its padding at stride 2 and its epsilon of
BN. Their tensors fit networks without both, whose scores are then wrong. The name may be that of the file, of a folder
in a cache of Hugging Face's hub, or stand in a ``config.json`` beside the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.untrusted import read_json
from ..errors import UsageError
from ..types import CheckpointReading, ModelCard
from .preprocessing_files import HINT, LARGEST_SIDECAR

TF_EPS = 1e-3
TF_SLIM = "TF-Slim"
"""Layout of TensorFlow's own MobileNets."""
TRANSFORMERS = "Hugging Face transformers"
"""Layout of its MobileNets, which are TF-Slim's: with its padding, epsilon and activation by default."""
KERAS = "Keras"
"""Layout of Keras' files; the networks are those of Keras Applications."""
KERAS_ROOT = "keras."
"""Before the names of a Keras file's layers, which are ``keras.KIND.LAYER``."""
TF_NAME = re.compile(r"(?i)(?:^|[^a-z0-9])tf[_-](?:mobilenet|mnasnet|efficientnet|mixnet)")
OF_TENSORFLOW = (TF_SLIM, TRANSFORMERS, KERAS)
PADDED = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3", "mnasnet")
"""Families with the option ``tf_padding``."""
RECORDED = ("tf_padding", "bn_eps", "activation")
CONFIG = "config.json"
HALVED = 32  # how many times smaller the last feature map is


def named_tf(path: Path) -> str:
    """What says that a checkpoint's weights are TensorFlow's: a part of its path, or ``config.json``; else empty."""
    for part in reversed(path.absolute().parts):
        if TF_NAME.search(part):
            return part
    said = config_value(path, "architecture")
    return f"{CONFIG}: {said}" if isinstance(said, str) and TF_NAME.search(said) else ""


def config_value(path: Path, key: str) -> Any:
    """What ``config.json`` beside a checkpoint says under a key; None where it says nothing."""
    try:
        return read_json(path.parent / CONFIG, HINT, LARGEST_SIDECAR).get(key)
    except (UsageError, AttributeError):  # of another program, or none at all
        return None


def whose(path: Path, layout: str) -> str:
    """What says that weights are padded as TensorFlow does: their layout or their name; else empty."""
    if layout == TRANSFORMERS and unpadded(path):
        return ""
    return layout if layout in OF_TENSORFLOW else named_tf(path)


def unpadded(path: Path) -> bool:
    """Whether ``config.json`` beside a checkpoint of transformers' denies TensorFlow's padding."""
    return config_value(path, "tf_padding") is False


def told_beside(path: Path) -> str:
    """Everything outside of a checkpoint that decides what :func:`with_conventions` makes of it."""
    return "; ".join(filter(None, (named_tf(path), f"{CONFIG} denies tf_padding" if unpadded(path) else "")))


def with_conventions(
    card: ModelCard, path: Path, layout: str, reading: CheckpointReading, recorded: Mapping[str, Any]
) -> ModelCard:
    """The card as the weights in ``path`` need it.

    A card that has the padding keeps all that it says. ``--no-tf-padding`` takes it away.

    Args:
        card: of the network.
        path: the checkpoint.
        layout: whose names its tensors have. Under edgekit's own the epsilon is the card's: there is no publisher whose
            it could be.
        reading: what the user said.
        recorded: the architecture that a checkpoint of edgekit's trainer names.

    Raises:
        UsageError: TensorFlow's weights in a family that has no such padding, or for a size that it does not fit.
    """
    card = changed(card, **{k: v for k, v in recorded.items() if k in RECORDED and isinstance(v, bool | float | str)})
    there = bool(card.architecture.get("tf_padding"))
    said = "" if reading.tf_padding is not None else whose(path, layout)
    if there and reading.tf_padding is False:
        return changed(card, tf_padding=False)
    if not there and (said or reading.tf_padding):
        if card.family not in PADDED:
            why = f"{path} holds weights from TensorFlow ({said})" if said else "--tf-padding is given"
            raise UsageError(
                f"{why}, and {card.id} has no way to pad as TensorFlow does",
                f"families that have: {', '.join(PADDED)}; where the name misleads: --no-tf-padding",
            )
        taken: dict[str, str | float | bool] = {"tf_padding": True}
        if layout != "edgekit" and "bn_eps" not in card.architecture:
            taken["bn_eps"] = TF_EPS
        if card.family == "mobilenet_v1":
            taken["activation"] = "relu6"
        card = changed(card, **taken)
    check_size(card)
    return card


def changed(card: ModelCard, **architecture: str | float | bool) -> ModelCard:
    """The card with other arguments."""
    return card.model_copy(update={"architecture": {**card.architecture, **architecture}})


def check_size(card: ModelCard) -> None:
    """Make sure that TensorFlow's padding is the same at every stride.

    Raises:
        UsageError: a feature map that is halved would have an odd size, where TensorFlow pads otherwise.
    """
    sides = card.input_shape[1:]
    if card.architecture.get("tf_padding") and any(side % HALVED for side in sides):
        raise UsageError(
            f"{card.id}: TensorFlow's padding needs an input of multiples of {HALVED}, and it is "
            f"{' x '.join(map(str, sides))}",
            "choose such a size in the card's input_shape",
        )
