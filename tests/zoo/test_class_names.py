"""Class names where checkpoints and their folders keep them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.base.files import sha256_file
from edgekit.catalog import find_card
from edgekit.zoo.class_names import class_names

CARD = find_card("squeezenet_1.1")
NAMES = ("ant", "bee", "cat")


def names(path: Path, classes: int = 3) -> tuple[str, ...]:
    return class_names(CARD, path, sha256_file(path), classes)


@pytest.mark.parametrize(
    "beside",
    [
        {"edgekit": {"classes": list(NAMES)}},
        {"classes": list(NAMES)},
        {"class_names": NAMES},
        {"class_to_idx": {"cat": 2, "ant": 0, "bee": 1}},
        {"idx_to_class": {0: "ant", 1: "bee", 2: "cat"}},
    ],
)
def test_names_beside_the_tensors(tmp_path: Path, beside: dict[str, Any]) -> None:
    path = tmp_path / "best.pth"
    torch.save({"state_dict": {"a": torch.zeros(1)}, **beside}, path)
    assert names(path) == NAMES


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"classes": 3},
        {"classes": ["ant", "bee"]},
        {"class_to_idx": {"ant": "0"}},
        {"idx_to_class": {0: "ant", 2: "c"}},
    ],
)
def test_none_where_there_are_none(tmp_path: Path, beside: dict[str, Any]) -> None:
    path = tmp_path / "best.pth"
    torch.save({"state_dict": {"a": torch.zeros(1)}, **beside}, path)
    assert names(path) == ()


@pytest.mark.parametrize(
    "config", [{"label_names": list(NAMES)}, {"id2label": {str(number): name for number, name in enumerate(NAMES)}}]
)
def test_names_in_the_config_beside_the_file(tmp_path: Path, config: dict[str, Any]) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"no tensor is read for it")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert names(path) == NAMES
    (tmp_path / "config.json").write_text("{")
    assert names(path) == ()


def test_published_weights_have_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1)}, path)
    digest = CARD.weights[0].sha256
    assert digest is not None
    assert class_names(CARD, path, digest + "0" * 56, 1000)[:11] == (
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "10",
    )
    assert class_names(CARD, None, "", 1000) == ()
