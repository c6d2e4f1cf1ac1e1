"""What files say of preprocessing: timm's and transformers' ``.json`` beside the weights, edgekit's own record in them.

No tensor is read and no code of a file runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..base.untrusted import read_json
from ..errors import UsageError
from ..types import Preprocessing
from ..types.models import PREPROCESSING_RECORD

RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which transformers writes."""
STRETCHED = 384
"""Pixels from which on ConvNeXt's processor does not crop."""
LARGEST_SIDECAR = 16_000_000
"""Bytes of a ``config.json``: label names may be many."""
HINT = "correct it, or say it all with --mean --std --resize --input-size --interpolation --channels"


@dataclass(frozen=True)
class Beside:
    """A file that says something of the preprocessing.

    Attributes:
        path: of the file.
        changes: of a card's preprocessing and input size: values as read, checked when the card takes them.
    """

    path: Path
    changes: dict[str, Any]


def beside(checkpoint: Path) -> Beside | None:
    """What the ``.json`` files in the folder of a checkpoint say; None where none says anything.

    Raises:
        UsageError: a file of that name that is no JSON, or that holds what edgekit cannot do.
    """
    for name, read in (
        ("preprocessor_config.json", of_transformers),
        ("processor_config.json", of_transformers),
        ("config.json", of_timm),
    ):
        path = checkpoint.parent / name
        if not path.is_file():
            continue
        try:
            content = read_json(path, HINT, LARGEST_SIDECAR)
            changes = read(content) if isinstance(content, dict) else {}
        except (ValueError, TypeError, KeyError, ZeroDivisionError, OverflowError) as error:
            raise UsageError(f"{path} says nothing about the images that edgekit understands: {error}", HINT) from error
        if changes:
            return Beside(path, changes)
    return None


def of_timm(content: Mapping[str, Any]) -> dict[str, Any]:
    """Timm's ``pretrained_cfg``, which older files have at their top.

    Raises:
        ValueError: a crop mode that edgekit does not have.
    """
    told = content.get("pretrained_cfg", content)
    if not isinstance(told, Mapping) or not {"mean", "std"} <= told.keys():
        return {}
    changes: dict[str, Any] = {"mean": numbers(told["mean"]), "std": numbers(told["std"])}
    if told.get("interpolation") in RESAMPLING.values():
        changes["interpolation"] = told["interpolation"]
    if told.get("input_size") is None:
        return changes
    changes.setdefault("interpolation", "bicubic")  # timm's default
    channels, height, width = map(int, told["input_size"])
    changes["input_size"] = (height, width)
    if channels == 1:
        changes["channels"] = "L"
    share = float(told.get("crop_pct") or 0.875)  # timm's default
    mode = told.get("crop_mode") or "center"
    if mode not in ("center", "squash"):
        raise ValueError(f"crop_mode is {mode!r}, and edgekit has center and squash")
    whole = (math.floor(height / share), math.floor(width / share))
    changes["resize"] = whole if mode == "squash" else min(whole)
    return changes


def of_transformers(content: Mapping[str, Any]) -> dict[str, Any]:
    """The image processor of transformers, alone or as a part of a processor.

    Raises:
        ValueError: it does something to images that edgekit does not.
    """
    if isinstance(content.get("image_processor"), Mapping):
        content = content["image_processor"]
    if isinstance(content.get("pretrained_cfg"), Mapping):  # of a network of timm's in transformers
        return of_timm(content)
    if not {"image_mean", "size", "crop_size"} & content.keys():
        return {}
    plain = not content.get("do_normalize", "image_mean" in content)
    mean = [0.0] * 3 if plain else channels_of(content["image_mean"])
    std = [1.0] * 3 if plain else channels_of(content["image_std"])
    # It computes (pixel * factor - offset - mean) / std, and edgekit (pixel / 255 - mean) / std.
    rescaled = content.get("do_rescale", True)
    factor = 255 * (content.get("rescale_factor", 1 / 255) if rescaled else 1.0)
    offset = 1.0 if rescaled and content.get("rescale_offset") else 0.0
    if math.isclose(factor, 1.0, rel_tol=1e-3):
        factor = 1.0
    changes: dict[str, Any] = {
        "mean": [(value + offset) / factor for value in mean],
        "std": [value / factor for value in std],
        "interpolation": resampling(content.get("resample")),
    }
    if content.get("do_flip_channel_order"):
        changes["channels"] = "BGR"
    return changes | sizes_of(content)


def sizes_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """How an image processor of transformers resizes and crops.

    Raises:
        ValueError: it resizes in a way that edgekit does not.
    """
    size = sides(content.get("size")) if content.get("do_resize", True) else None
    cropped = content.get("do_center_crop", "crop_size" in content)
    crop = sides(content.get("crop_size")) if cropped else size
    share = content.get("crop_pct")
    if share and isinstance(size, int) and content.get("do_resize", True):
        # ConvNeXt's processor crops, and stretches large images; others of that key say themselves whether they crop.
        stretches = "crop_size" not in content and size >= STRETCHED
        crop = crop if "crop_size" in content else size
        size = (size, size) if stretches else int(size / float(share))
    if isinstance(crop, int):
        crop = (crop, crop)
    if crop is None:
        return {}
    return {"input_size": crop, "resize": min(crop) if size is None else size}


def resampling(value: Any) -> str:
    """The name of an interpolation, by Pillow's number or its name; transformers' default where nothing says it.

    Raises:
        ValueError: edgekit has none of that kind.
    """
    if value is None:
        return RESAMPLING[2]
    name = RESAMPLING.get(value, "") if isinstance(value, int) else str(value).rpartition(".")[2].lower()
    if name not in RESAMPLING.values():
        raise ValueError(f"resample is {value!r}, and edgekit has {', '.join(RESAMPLING.values())}")
    return name


def sides(value: Any) -> int | tuple[int, int] | None:
    """A size of transformers: the short side, or height and width.

    Raises:
        ValueError: it is told in another way.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, Mapping):
        if {"height", "width"} <= value.keys():
            return int(value["height"]), int(value["width"])
        if "shortest_edge" in value and "longest_edge" not in value:
            return int(value["shortest_edge"])
        told = f"its size says {', '.join(map(str, value))}"
    elif isinstance(value, list | tuple) and len(value) == 2:
        return int(value[0]), int(value[1])
    else:
        told = f"its size is {value!r}"
    raise ValueError(f"{told}, and edgekit knows shortest_edge, or height and width")


def channels_of(value: Any) -> list[float]:
    """A number for each colour; a single one is that of all."""
    return [float(value)] * 3 if isinstance(value, int | float) and not isinstance(value, bool) else numbers(value)


def numbers(value: Any) -> list[float]:
    """Numbers of a list.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is not a list of numbers")
    return [float(number) for number in value]


def recorded(content: Any) -> Preprocessing | None:
    """What edgekit's trainer wrote into a checkpoint, by its plain values; None for foreign files."""
    text = content.get(PREPROCESSING_RECORD) if isinstance(content, dict) else None
    try:
        return Preprocessing.model_validate_json(text) if isinstance(text, str) else None
    except ValidationError:
        return None
