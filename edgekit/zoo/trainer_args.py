"""What the public trainers record of their images: torchvision's references and timm, in a checkpoint or ``args.yaml``.

Both keep their command line's arguments beside the weights. Sources: torchvision's ``references/classification``
(``train.py``, ``presets.py``), timm's ``train.py`` and ``timm/data/config.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.fetched.hubs import HubId
from ..base.untrusted import read_text
from ..errors import UsageError, shown
from ..types import ModelCard, Weights
from .hub_weights import entry_of
from .pickle_bounds import Opaque
from .preprocessing_files import HINT, numbers

ARGS = "args.yaml"
LARGEST_ARGS = 100_000
LONGEST = 500
"""Characters of PyYAML's words that are shown: they quote the file."""
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
"""What torchvision's presets always use."""


@dataclass(frozen=True)
class TrainerArgs:
    """A trainer's arguments that say something of the preprocessing.

    Attributes:
        changes: of a card's preprocessing and input size: values as read, checked when the card takes them.
        source: who says it, in words.
    """

    changes: dict[str, Any]
    source: str


def trainer_args(checkpoint: Path, content: Any, card: ModelCard) -> TrainerArgs | None:
    """What the trainer of a checkpoint recorded, in it or beside it; None where nothing says anything.

    Args:
        checkpoint: the file.
        content: its plain values.
        card: of the network.

    Raises:
        UsageError: an ``args.yaml`` that is no YAML, or arguments that edgekit cannot follow.
    """
    for values, place in ((inside(content), checkpoint.name), (beside(checkpoint), ARGS)):
        try:
            changes = of_torchvision(values) or of_timm(values, card)
        except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
            raise UsageError(f"edgekit cannot follow the trainer's arguments in {place}: {error}", HINT) from error
        if changes:
            return TrainerArgs(changes, f"its trainer's arguments ({place})")
    return None


def inside(content: Any) -> Mapping[str, Any]:
    """The arguments that a checkpoint holds under ``args``: an ``argparse.Namespace`` or a dict."""
    found = content.get("args") if isinstance(content, dict) else None
    return found.state if isinstance(found, Opaque) else found if isinstance(found, dict) else {}


def beside(checkpoint: Path) -> Mapping[str, Any]:
    """The ``args.yaml`` in the folder of a checkpoint, as timm writes it.

    Raises:
        UsageError: it is no YAML.
    """
    path = checkpoint.parent / ARGS
    if not path.is_file():
        return {}
    text = read_text(path, HINT, LARGEST_ARGS)
    try:
        content = yaml_values(text)
    # PyYAML lets what its constructors of !!int, !!bool and !!timestamp raise pass through.
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        raise UsageError(f"{path} is not YAML: {str(error)[:LONGEST]}", HINT) from error
    return content if isinstance(content, dict) else {}


def yaml_values(text: str) -> Any:
    """The plain values in YAML that names nothing twice: a few lines of names for names unfold to gigabytes.

    Raises:
        ValueError: it is no YAML, or a value stands for another one.
    """
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("a value stands for another one (*name), which no trainer writes")
            return super().compose_node(parent, index)

    try:
        return Plain(text).get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def of_torchvision(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of torchvision's reference trainer: sizes of its validation images."""
    if not {"val_resize_size", "val_crop_size"} <= args.keys():
        return {}
    size = pixels(args["val_crop_size"])
    changes: dict[str, Any] = {**IMAGENET, "resize": pixels(args["val_resize_size"]), "input_size": (size, size)}
    return {**changes, "interpolation": args.get("interpolation") or "bilinear"}


def of_timm(args: Mapping[str, Any], card: ModelCard) -> dict[str, Any]:
    """Arguments of timm's trainer; what they leave open is the recipe of the network that they name."""
    if not {"model", "mean", "std", "crop_pct", "interpolation"} <= args.keys():
        return {}
    entry = recipe(str(args["model"]), card)
    changes: dict[str, Any] = {}
    for name in ("mean", "std"):
        value = args[name] or (getattr(entry, name) or getattr(card.preprocessing, name) if entry else None)
        if value is None:
            return {}  # the network's own values, which edgekit does not know
        changes[name] = numbers(value)
    # Where nothing says it, timm resizes with bicubic.
    changes["interpolation"] = args["interpolation"] or (entry and entry.interpolation) or "bicubic"
    if args.get("in_chans") == 1:
        changes["channels"] = "L"
    size = size_of(args) or card.preprocessing.size
    before = (entry.resize if entry and entry.resize else card.preprocessing.resize), card.preprocessing.size
    if args["crop_pct"]:
        changes["resize"] = math.floor(min(size) / float(args["crop_pct"]))
    elif isinstance(before[0], int):
        changes["resize"] = math.floor(min(size) * before[0] / min(before[1]))
    return {**changes, "input_size": size}


def recipe(model: str, card: ModelCard) -> Weights | None:
    """The known weights of timm's network of that name, of any tag where it has none."""
    name, _, tag = model.rpartition("/")[2].partition(".")
    return entry_of(card, HubId("timm", name, tag)) or entry_of(card, HubId("timm", name))


def size_of(args: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of the input; None where the network's own is meant."""
    if args.get("input_size"):
        _, height, width = args["input_size"]
        return pixels(height), pixels(width)
    size = args.get("img_size")
    return (pixels(size), pixels(size)) if size else None


def pixels(value: Any) -> int:
    """A side in pixels.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError(f"{shown(value)} is not a number of pixels")
    return value
