"""Proxy accuracy: a short training on some of the images, judged on others that are no test images.

The networks of a family keep averages of their own pace in batch normalisation (MnasNet 0.0003 a step); here every
network begins with PyTorch's default, which the training raises where it is still too slow, so all are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from ..errors import UsageError
from ..types import Preprocessing
from .datasets import Dataset, Split, Subset
from .loop import accuracy_on, begin, train_epoch
from .recipes import Recipe

MOMENTUM = 0.1
"""PyTorch's default of batch normalisation."""


@dataclass(frozen=True)
class Scored:
    """What a short training came to.

    Attributes:
        right: of the images that it was judged on.
        images: how many those are.
        seconds: of the training.
    """

    right: int
    images: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """Percent."""
        return 100 * self.right / self.images


def judged_apart(data: Dataset, images: int, held: int, seed: int) -> Dataset:
    """A part of the training images to train on, and another to judge by; the test images are left alone.

    Args:
        data: with enough training images for both.
        images: to train on.
        held: to judge by.
        seed: of which are taken.

    Raises:
        UsageError: there are too few.
    """
    have = len(data.train.labels)
    if images + held > have:
        raise UsageError(
            f"{data.name} has {have} training images, and {images} to train on and {held} to judge by are asked for",
            "ask for fewer: --images, --judge",
        )
    order = np.random.default_rng(seed).permutation(have)
    parts = (np.sort(order[:images]), np.sort(order[images : images + held]))
    train, test = (Split(Subset(data.train.images, part), data.train.labels[part]) for part in parts)
    return Dataset(data.name, data.classes, train, test, data.note)


def proxy_accuracy(network: nn.Module, data: Dataset, preprocessing: Preprocessing, recipe: Recipe) -> Scored:
    """Train a network in place by a recipe, and judge it on the data's test split.

    Raises:
        UsageError: the loss is no longer finite.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = MOMENTUM
    # An epoch ends with a look at the test split; here all but the last would be for nothing.
    glance = Split(Subset(data.test.images, np.zeros(1, np.int64)), data.test.labels[:1])
    training = begin(network, replace(data, test=glance), preprocessing, recipe)
    seconds = sum(train_epoch(training).seconds for _ in range(recipe.epochs))
    count = len(data.test.labels)
    return Scored(round(accuracy_on(network, data.test, preprocessing) * count / 100), count, seconds)
