"""Who says how images become the input of given weights, and in which order they are believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.types import ModelCard
from edgekit.types.models import PREPROCESSING_RECORD
from edgekit.zoo.preprocessing import Wishes, settled

CARD = find_card("mobilenet_v3_large_1.0")
HALF = (0.5, 0.5, 0.5)
TIMM = {
    "architecture": "mobilenetv3_large_100",
    "pretrained_cfg": {
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "crop_pct": 0.95,
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "tag": "ra4",
    },
}
TRANSFORMERS = {
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "do_center_crop": True,
    "resample": 2,
    "crop_size": {"height": 224, "width": 224},
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
    "do_normalize": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
}


def weights(folder: Path, name: str = "best.pth", **beside: Any) -> Path:
    """A file that no table knows, with files of JSON beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    torch.save({"a": torch.zeros(1)}, path)
    for stem, content in beside.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{stem}.json").write_text(text)
    return path


def test_random_weights_are_right_with_any(tmp_path: Path) -> None:
    made = settled(CARD, None).preprocessing
    assert made.origin is not None
    assert made.origin.kind == "card"
    assert made.model_copy(update={"origin": None}) == CARD.preprocessing


def test_where_nothing_tells_it_is_assumed(tmp_path: Path) -> None:
    made = settled(CARD, weights(tmp_path)).preprocessing
    assert made.origin is not None
    assert made.origin.kind == "assumed"
    assert "nothing says how best.pth was trained" in made.origin.source
    # A card of the user's own says it.
    plain = CARD.to_plain()
    own = ModelCard.from_plain({**plain, "preprocessing": plain["preprocessing"] | {"mean": [0.5] * 3}})
    said = settled(own, weights(tmp_path)).preprocessing
    assert said.origin is not None
    assert (said.origin.kind, said.mean) == ("card", HALF)


def test_timms_config_beside_the_file(tmp_path: Path) -> None:
    card = settled(CARD, weights(tmp_path, config=TIMM))
    made = card.preprocessing
    assert (made.mean, made.std, made.interpolation, made.resize, made.crop) == (HALF, HALF, "bicubic", 235, 224)
    assert made.origin is not None
    assert (made.origin.kind, made.origin.source) == ("file", "config.json")
    old = TIMM["pretrained_cfg"] | {"input_size": [3, 240, 320], "crop_pct": 1.0, "crop_mode": "squash"}
    wide = settled(CARD, weights(tmp_path / "old", config=old))
    assert wide.input_shape == (3, 240, 320)
    assert (wide.preprocessing.size, wide.preprocessing.resize) == ((240, 320), (240, 320))
    # A file of that name that is about something else says nothing.
    other = settled(CARD, weights(tmp_path / "other", config={"hidden_size": 3})).preprocessing.origin
    assert other is not None
    assert other.kind == "assumed"


@pytest.mark.parametrize(
    ("changes", "mean", "std", "resize", "size", "channels"),
    [
        ({}, 0.5, 0.5, 256, (224, 224), "RGB"),
        ({"size": 250, "crop_size": 192}, 0.5, 0.5, 250, (192, 192), "RGB"),
        ({"size": {"height": 160, "width": 200}, "do_center_crop": False}, 0.5, 0.5, (160, 200), (160, 200), "RGB"),
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}, 0.5, 0.5, 256, (224, 224), "RGB"),
        ({"do_normalize": False, "do_flip_channel_order": True}, 0.0, 1.0, 256, (224, 224), "BGR"),
        ({"image_mean": 0.25, "image_std": 0.2}, 0.25, 0.2, 256, (224, 224), "RGB"),
        ({"size": [200, 240], "do_center_crop": False}, 0.5, 0.5, (200, 240), (200, 240), "RGB"),
        ({"rescale_factor": 1 / 127.5, "rescale_offset": True}, 0.75, 0.25, 256, (224, 224), "RGB"),
        (
            {"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False},
            0.5,
            0.5,
            256,
            (224, 224),
            "RGB",
        ),
        ({"crop_pct": 0.9, "size": {"shortest_edge": 224}}, 0.5, 0.5, 248, (224, 224), "RGB"),
    ],
)
def test_transformers_config(
    tmp_path: Path, changes: Any, mean: float, std: float, resize: Any, size: Any, channels: str
) -> None:
    made = settled(CARD, weights(tmp_path, preprocessor_config=TRANSFORMERS | changes)).preprocessing
    assert made.mean == pytest.approx((mean,) * 3)
    assert made.std == pytest.approx((std,) * 3)
    assert (made.resize, made.size, made.channels) == (resize, size, channels)


CONVNEXT = {"crop_pct": 0.875, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}


@pytest.mark.parametrize(
    ("side", "resize"), [(224, 256), (383, 437), (384, (384, 384))], ids=["crops", "crops still", "stretches"]
)
def test_transformers_config_of_convnext(side: int, resize: Any, tmp_path: Path) -> None:
    config = CONVNEXT | {"size": {"shortest_edge": side}}
    made = settled(CARD, weights(tmp_path, preprocessor_config=config)).preprocessing
    assert (made.resize, made.size, made.interpolation) == (resize, (side, side), "bicubic")


@pytest.mark.parametrize("value", [3, "bicubic", "PILImageResampling.BICUBIC"])
def test_transformers_interpolation_by_number_or_name(value: Any, tmp_path: Path) -> None:
    made = settled(CARD, weights(tmp_path, preprocessor_config=TRANSFORMERS | {"resample": value})).preprocessing
    assert made.interpolation == "bicubic"


def test_a_whole_processor_of_transformers(tmp_path: Path) -> None:
    config = {"image_processor": TRANSFORMERS, "processor_class": "X"}
    made = settled(CARD, weights(tmp_path, processor_config=config)).preprocessing
    assert made.origin is not None
    assert (made.mean, made.origin.source) == ((0.5,) * 3, "processor_config.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resample": 5}, "resample is 5, and edgekit has nearest, lanczos"),
        ({"size": {"longest_edge": 256}}, "its size says longest_edge, and edgekit knows shortest_edge"),
        ({"size": {"shortest_edge": 256, "longest_edge": 512}}, "its size says shortest_edge, longest_edge"),
        ({"size": "224"}, "its size is '224'"),
    ],
)
def test_what_transformers_do_and_edgekit_does_not(changes: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"preprocessor_config.json says nothing .*{said}"):
        settled(CARD, weights(tmp_path, preprocessor_config=TRANSFORMERS | changes))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "config.json is not JSON"),
        ({"mean": [123.675, 116.28, 103.53], "std": [58.4, 57.1, 57.4]}, "config.json: .*units of 0 to 255"),
        ({"mean": 0.5, "std": [0.5] * 3}, "is not a list of numbers"),
        ({"mean": [0.5] * 3, "std": [0.0] * 3}, "config.json: .*std must be above 0"),
        ({**TIMM["pretrained_cfg"], "crop_mode": "border"}, "crop_mode is 'border'"),
    ],
)
def test_a_config_that_cannot_be(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settled(CARD, weights(tmp_path, config=content))


@pytest.mark.parametrize(
    ("model", "name", "mean", "resize", "interpolation"),
    [
        ("mobilenet_v2_1.0", "mobilenet_v2-7ebf99e0.pth", 0.485, 232, "bilinear"),
        ("mobilenet_v2_1.0", "mobilenet_v2-b0353104.pth", 0.485, 256, "bilinear"),
        ("mnasnet_b1_1.3", "mnasnet1_3-a4c69d6f.pth", 0.485, 232, "bilinear"),
        ("mnasnet_b1_0.75", "mnasnet0_75-7090bc5f.pth", 0.485, 232, "bilinear"),
        ("shufflenet_v2_1.5", "shufflenetv2_x1_5-3c479a10.pth", 0.485, 232, "bilinear"),
        ("shufflenet_v2_2.0", "shufflenetv2_x2_0-8be3c8ee.pth", 0.485, 232, "bilinear"),
        ("mobilenet_v3_large_1.0", "mobilenet_v3_large-5c1a4163.pth", 0.485, 232, "bilinear"),
        ("mobilenet_v3_large_1.0", "mobilenetv3_large_100.ra_in1k/model.pth", 0.485, 256, "bicubic"),
        (
            "mobilenet_v3_large_1.0",
            "timm/mobilenetv3_large_100.ra4_e3600_r224_in1k/m.pth",
            0.5,
            235,
            "bicubic",
        ),
        ("mobilenet_v3_large_1.0", "mobilenetv3_large_100.miil_in21k_ft_in1k.pth", 0.0, 256, "bilinear"),
        ("mobilenet_v3_small_1.0", "models--timm--tf_mobilenetv3_small_100.in1k/m.pth", 0.5, 256, "bilinear"),
        ("mobilenet_v1_1.0", "mobilenetv1_100.ra4_e3600_r224_in1k.pth", 0.5, 256, "bicubic"),
    ],
)
def test_published_recipes_by_name(
    tmp_path: Path, model: str, name: str, mean: float, resize: int, interpolation: str
) -> None:
    path = tmp_path / name
    made = settled(find_card(model), weights(path.parent, path.name)).preprocessing
    assert (made.mean[0], made.resize, made.interpolation) == (mean, resize, interpolation)
    assert made.origin is not None
    assert made.origin.kind == "published"


def test_published_recipes_by_digest(tmp_path: Path) -> None:
    from edgekit.base.files import sha256_file
    from edgekit.types import Weights

    path = weights(tmp_path)
    entry = Weights(name="timm of another name", sha256=sha256_file(path)[:8], resize=232)
    made = settled(CARD.model_copy(update={"weights": (entry,)}), path).preprocessing
    assert made.origin is not None
    assert (made.resize, made.origin.kind) == (232, "published")


def test_what_edgekit_trained_says_it_itself(tmp_path: Path) -> None:
    trained = CARD.preprocessing.model_copy(update={"mean": HALF, "crop": 160, "resize": 160})
    path = tmp_path / "checkpoint.pt"
    torch.save({"state_dict": {"a": torch.zeros(1)}, PREPROCESSING_RECORD: trained.model_dump_json()}, path)
    card = settled(CARD, path)
    assert card.input_shape == (3, 160, 160)
    assert card.preprocessing.origin is not None
    assert card.preprocessing.origin.kind == "checkpoint"
    assert card.preprocessing.model_copy(update={"origin": None}) == trained


def test_the_command_line_goes_before_all(tmp_path: Path) -> None:
    path = weights(tmp_path, config=TIMM)
    wishes = Wishes(mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0), resize=230, interpolation="lanczos", channels="BGR")
    made = settled(CARD, path, wishes).preprocessing
    assert (made.mean, made.std, made.resize) == (wishes.mean, wishes.std, 230)
    assert (made.interpolation, made.channels) == ("lanczos", "BGR")
    assert made.origin is not None
    assert made.origin.kind == "options"
    assert wishes.words()[:4] == ["--mean", "0.1,0.2,0.3", "--std", "1.0,1.0,1.0"]
    # A part of it leaves the rest to who said it before.
    half = settled(CARD, weights(tmp_path / "b"), Wishes(resize=230)).preprocessing.origin
    assert half is not None
    assert half.kind == "assumed"
    assert "--resize from the command line" in half.source


def test_input_size() -> None:
    card = settled(CARD, None, Wishes(input_size=(160, 160)))
    assert (card.input_shape, card.preprocessing.crop, card.preprocessing.resize) == ((3, 160, 160), 160, 182)
    wide = settled(CARD, None, Wishes(input_size=(96, 128), resize=96))
    assert (wide.input_shape, wide.preprocessing.size, wide.preprocessing.resize) == ((3, 96, 128), (96, 128), 96)
    assert settled(CARD, None, Wishes(input_size=(160, 160), crop=160)).input_shape == (3, 160, 160)
    grey = settled(CARD, None, Wishes(channels="L", mean=(0.5,), std=(0.5,)))
    assert grey.input_shape == (1, 224, 224)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes(crop=192), "--crop: the crop 192 and the input of 224 x 224 do not agree"),
        (Wishes(mean=(123.7, 116.3, 103.5), std=(58.0, 57.0, 57.0)), "--mean, --std: .*units of 0 to 255"),
        (Wishes(mean=(0.5, 0.5)), "mean has 2 value"),
        (Wishes(std=(0.0, 1.0, 1.0)), "std must be above 0"),
        (Wishes(channels="L"), "mean has 3 value"),
        (Wishes(channels="GBR"), "channels: Input should be"),
        (Wishes(interpolation="cubic"), "interpolation: Input should be"),
        (Wishes(resize=100), "resize 100 is less than crop 224"),
        (Wishes(input_size=(0, 0)), "crop must be 1 or more"),
        (Wishes(resize=10**9), "crop and resize may be 16384 at most, got 224 and 1000000000"),
    ],
)
def test_impossible_wishes(wishes: Wishes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settled(CARD, None, wishes)
