"""What a training leaves for people and programs: one row an epoch, and ``metrics.json``."""

from __future__ import annotations

from typing import Literal

from ..types import Frozen
from .condensing import Survivors
from .recipes import Recipe


class Epoch(Frozen):
    """One epoch, numbered from 1.

    Attributes:
        loss: mean cross entropy of the training batches, without the lasso.
        lasso: mean group-lasso term, unweighted; None without learned group convolutions.
        train_accuracy: percent, of the augmented batches as they were trained on.
        test_accuracy: percent, after the epoch; of a quantization-aware training that of the rounded network.
        lr: learning rate of the last batch.
        progress: share of the training done at the end of the epoch.
        survivors: after the epoch; None without learned group convolutions.
        seconds: wall-clock time, the test included.
    """

    number: int
    loss: float
    lasso: float | None
    train_accuracy: float
    test_accuracy: float
    lr: float
    progress: float
    survivors: Survivors | None
    seconds: float


class Run(Frozen):
    """A training: its conditions and its epochs so far; the content of ``metrics.json``.

    Attributes:
        start: where the first weights came from, in words.
        data_sha256: digest of class names and labels.
        params: learnable elements while training.
        float_accuracy: of the network at its start, percent, where the training is quantization-aware.
    """

    schema_version: Literal[1] = 1
    model: str
    data: str
    data_sha256: str
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    start: str
    params: int
    recipe: Recipe
    threads: int
    float_accuracy: float | None = None
    epochs: tuple[Epoch, ...] = ()

    @property
    def finished(self) -> bool:
        """True when every epoch of the recipe is done."""
        return len(self.epochs) >= self.recipe.epochs

    @property
    def best(self) -> Epoch:
        """The epoch of the highest test accuracy, the earliest of equals."""
        return max(self.epochs, key=lambda epoch: epoch.test_accuracy)

    @property
    def seconds(self) -> float:
        """Wall-clock time of all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)
