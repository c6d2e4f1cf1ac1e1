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
    for name, read in (("preprocessor_config.json", of_transformers), ("config.json", of_timm)):
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
    """The image processor of transformers."""
    if not {"image_mean", "size", "crop_size"} & content.keys():
        return {}
    plain = not content.get("do_normalize", "image_mean" in content)
    mean = [0.0] * 3 if plain else numbers(content["image_mean"])
    std = [1.0] * 3 if plain else numbers(content["image_std"])
    # It computes (pixel * factor - mean) / std, and edgekit (pixel / 255 - mean) / std.
    factor = 255 * (content.get("rescale_factor", 1 / 255) if content.get("do_rescale", True) else 1.0)
    if math.isclose(factor, 1.0, rel_tol=1e-3):
        factor = 1.0
    changes: dict[str, Any] = {
        "mean": [value / factor for value in mean],
        "std": [value / factor for value in std],
        "interpolation": RESAMPLING.get(content.get("resample", 2), "bilinear"),
    }
    if content.get("do_flip_channel_order"):
        changes["channels"] = "BGR"
    size = sides(content.get("size")) if content.get("do_resize", True) else None
    cropped = content.get("do_center_crop", "crop_size" in content)
    crop = sides(content.get("crop_size")) if cropped else size
    if isinstance(crop, int):
        crop = (crop, crop)
    if crop is not None:
        changes["input_size"] = crop
        changes["resize"] = min(crop) if size is None else size
    return changes


def sides(value: Any) -> int | tuple[int, int] | None:
    """A size of transformers: the short side, or height and width."""
    if isinstance(value, Mapping):
        if "shortest_edge" in value:
            return int(value["shortest_edge"])
        return (int(value["height"]), int(value["width"])) if {"height", "width"} <= value.keys() else None
    return int(value) if isinstance(value, int) else None


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
