"""What trainers record of their images, as torchvision's references and timm write it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.types import Preprocessing
from edgekit.zoo.preprocessing import settled

LARGE = find_card("mobilenet_v3_large_1.0")
SMALL = find_card("mobilenet_v3_small_1.0")
TORCHVISION = {
    "model": "mobilenet_v3_small",
    "val_resize_size": 176,
    "val_crop_size": 160,
    "train_crop_size": 160,
    "interpolation": "bilinear",
}
TIMM = {
    "model": "mobilenetv3_large_100",
    "img_size": None,
    "input_size": None,
    "in_chans": None,
    "crop_pct": None,
    "mean": None,
    "std": None,
    "interpolation": "",
}


def saved(folder: Path, args: Any = None, beside: Any = None) -> Path:
    """A checkpoint with arguments inside, and maybe some in ``args.yaml``."""
    path = folder / "model_best.pth.tar"
    torch.save({"state_dict": {"a": torch.zeros(1)}, **({} if args is None else {"args": args})}, path)
    if beside is not None:
        (folder / "args.yaml").write_text(beside if isinstance(beside, str) else yaml.safe_dump(beside))
    return path


def told(card: Any, path: Path) -> Preprocessing:
    """The preprocessing of a checkpoint, which its trainer must have told."""
    found = settled(card, path).preprocessing
    assert found.origin is not None
    assert found.origin.kind == "checkpoint"
    assert "its trainer's arguments" in found.origin.source
    return found


def test_torchvision(tmp_path: Path) -> None:
    made = told(SMALL, saved(tmp_path, Namespace(**TORCHVISION)))
    assert (made.resize, made.crop, made.interpolation) == (176, 160, "bilinear")
    assert made.mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize("place", ["args", "beside"])
def test_timm_leaves_the_rest_to_the_networks_recipe(tmp_path: Path, place: str) -> None:
    given = Namespace(**TIMM) if place == "args" else TIMM
    made = told(LARGE, saved(tmp_path, **{place: given}))
    assert (made.resize, made.crop, made.interpolation) == (256, 224, "bicubic")
    assert made.mean == (0.485, 0.456, 0.406)


def test_timm_says_more(tmp_path: Path) -> None:
    more = TIMM | {
        "img_size": 160,
        "crop_pct": 0.95,
        "mean": (0.5, 0.5, 0.5),
        "std": [0.25] * 3,
        "interpolation": "bilinear",
    }
    made = told(LARGE, saved(tmp_path, Namespace(**more)))
    assert (made.resize, made.crop, made.interpolation) == (168, 160, "bilinear")
    assert (made.mean, made.std) == ((0.5,) * 3, (0.25,) * 3)


def test_timms_recipe_of_a_tag(tmp_path: Path) -> None:
    tagged = TIMM | {"model": "timm/mobilenetv3_large_100.ra4_e3600_r224_in1k", "input_size": [3, 160, 160]}
    made = told(LARGE, saved(tmp_path, Namespace(**tagged)))
    assert (made.mean, made.resize, made.crop) == ((0.5,) * 3, 167, 160)


def test_a_network_that_timm_names_and_edgekit_does_not_know(tmp_path: Path) -> None:
    found = settled(LARGE, saved(tmp_path, Namespace(**TIMM | {"model": "resnet50"}))).preprocessing.origin
    assert found is not None
    assert found.kind == "assumed"


def test_arguments_of_other_trainers_say_nothing(tmp_path: Path) -> None:
    found = settled(LARGE, saved(tmp_path, {"lr": 0.1}, {"epochs": 3})).preprocessing.origin
    assert found is not None
    assert found.kind == "assumed"


@pytest.mark.parametrize(
    ("args", "beside", "said"),
    [
        (TORCHVISION | {"val_crop_size": "large"}, None, "'large' is not a number of pixels"),
        (TIMM | {"mean": "0.5"}, None, "'0.5' is not a list of numbers"),
        (TIMM | {"crop_pct": float("nan")}, None, "edgekit cannot follow the trainer's arguments"),
        (None, "a: [", "is not YAML"),
        (None, "[" * 5000, "is not YAML"),
        (None, "a: &a [x]\nb: [*a, *a]", "stands for another one"),
        (None, "a: !!timestamp x", "is not YAML"),
        (None, "a: !!bool x", "is not YAML"),
        (None, "# " + "x" * 200_000, "is not text"),
    ],
)
def test_what_cannot_be_followed(tmp_path: Path, args: Any, beside: Any, said: str) -> None:
    path = saved(tmp_path, args and Namespace(**args), beside)
    with pytest.raises(UsageError, match=said):
        settled(LARGE, path)
