from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.errors import UsageError
from edgekit.training.datasets import ArrayImages, Dataset, Split
from edgekit.training.proxy import MOMENTUM, judged_apart, proxy_accuracy
from edgekit.training.recipes import Recipe
from edgekit.types import Preprocessing

PLAIN = Preprocessing(resize=4, crop=4, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def shades(count: int) -> Dataset:
    """Dark images and bright ones."""
    labels = np.arange(count) % 2
    pixels = np.where(labels[:, None, None], 200, 40).astype(np.uint8) * np.ones((1, 4, 4), np.uint8)
    part = Split(ArrayImages(pixels), labels.astype(np.int64))
    return Dataset("shades", ("dark", "bright"), part, part)


def test_what_is_judged_by_was_not_trained_on_and_no_test_image() -> None:
    data = shades(50)
    apart = judged_apart(data, 20, 10, seed=3)
    train, judge = apart.train.images, apart.test.images
    assert (len(train), len(judge)) == (20, 10)
    assert not set(train.chosen) & set(judge.chosen)  # type: ignore[attr-defined]
    assert judge.images is data.train.images  # type: ignore[attr-defined]
    assert (apart.test.labels == data.train.labels[judge.chosen]).all()  # type: ignore[attr-defined]
    again = judged_apart(data, 20, 10, seed=4)
    assert set(again.train.images.chosen) != set(train.chosen)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="shades has 50 training images, and 45 to train on and 10 to judge by"):
        judged_apart(data, 45, 10, seed=3)


def test_a_short_training_learns_and_averages_fast_enough() -> None:
    torch.manual_seed(0)
    slow = nn.BatchNorm2d(4, momentum=0.0003)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), slow, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    found = proxy_accuracy(network, judged_apart(shades(200), 128, 40, 0), PLAIN, Recipe(epochs=3, batch=8, lr=0.05))
    assert slow.momentum is not None
    assert slow.momentum >= MOMENTUM
    assert (found.images, found.right) == (40, 40)
    assert found.accuracy == 100.0
