"""The training loop: batches, the condensation schedule, the lasso, and an account of every epoch.

An epoch depends only on the state at its beginning, the recipe and its number. That is why a training that was
killed and resumed from its last checkpoint ends where an unbroken one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from math import inf

import torch
from torch import fx, nn
from torch.nn import functional

from ..errors import UsageError
from ..types import Preprocessing
from .batches import batch_indices, evaluation_batches, training_batches
from .condensing import Condensing, condensing_part, survivors
from .datasets import Dataset, Split
from .fake_quant import OBSERVED, hold_ranges, observe, quantized
from .metrics import Epoch
from .recipes import Recipe
from .running_statistics import keep_pace

OnBatch = Callable[[int, int, int], None]
"""Called with epoch (from 1), batches done, batches in the epoch."""

LONGEST = 1.0
"""Gradient that a network without batch normalisation takes at most; a longer one is shortened to it. A few steps of
SqueezeNet's own in the beginning leave it with scores that a ReLU holds at zero for ever."""


@dataclass
class Training:
    """A network with its optimizer and its data: what the loop changes.

    Attributes:
        network: trained in place.
        epochs_done: whole epochs.
        quantized: the network with fake quantization, where the recipe is quantization-aware; it has the same layers.
        longest: the gradient that a step takes at most, as a norm over all parameters.
    """

    network: nn.Module
    optimizer: torch.optim.SGD
    data: Dataset
    preprocessing: Preprocessing
    recipe: Recipe
    epochs_done: int = 0
    quantized: fx.GraphModule | None = None
    longest: float = inf

    @property
    def forward(self) -> nn.Module:
        """What computes scores."""
        return self.network if self.quantized is None else self.quantized


def begin(network: nn.Module, data: Dataset, preprocessing: Preprocessing, recipe: Recipe) -> Training:
    """A training before its first epoch.

    Raises:
        UsageError: a quantization-aware recipe for a network that it does not fit.
    """
    # 1x1 and depthwise convolutions are most of these networks: without it a step mostly takes 1.2 to 1.9 times longer.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay, nesterov=recipe.momentum > 0
    )
    if recipe.qat and condensing_part(network) is not None:
        raise UsageError(
            "--qat trains what is exported, and this network has learned groups to condense", "condense it first"
        )
    keep_pace(network, len(batch_indices(len(data.train.labels), recipe, 0)))
    rounded = quantized(network) if recipe.qat else None
    normalised = any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    longest = inf if normalised else LONGEST
    return Training(network, optimizer, data, preprocessing, recipe, quantized=rounded, longest=longest)


def train_epoch(training: Training, on_batch: OnBatch = lambda *_: None) -> Epoch:
    """Train one more epoch and test; the network is left in eval mode.

    Raises:
        UsageError: the loss is no longer finite.
    """
    start = time.monotonic()
    recipe, number = training.recipe, training.epochs_done
    if training.quantized is not None:
        batches = training_batches(training.data.train, recipe, training.preprocessing, number)
        observe(training.quantized, (images for images, _ in islice(batches, OBSERVED)))
    # Dropout draws from the global state: it is set here, so that nothing before the epoch matters.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed * 100_003 + number)
        loss, lasso, right, seen, lr = one_pass(training, on_batch)
    training.epochs_done += 1
    part = condensing_part(training.network)
    return Epoch(
        number=training.epochs_done,
        loss=loss,
        lasso=None if part is None else lasso,
        train_accuracy=100 * right / seen,
        test_accuracy=accuracy_on(training.forward, training.data.test, training.preprocessing),
        lr=lr,
        progress=training.epochs_done / recipe.epochs,
        survivors=None if part is None else survivors(part),
        seconds=round(time.monotonic() - start, 2),
    )


def one_pass(training: Training, on_batch: OnBatch) -> tuple[float, float, int, int, float]:
    """Every training batch once: mean loss, mean lasso, right answers, images, last learning rate."""
    network, recipe, epoch = training.forward, training.recipe, training.epochs_done
    split = training.data.train
    count = len(batch_indices(len(split.labels), recipe, epoch))
    part = condensing_part(training.network)
    losses, lassos, right, seen, lr = 0.0, 0.0, 0, 0, recipe.lr
    hold_ranges(network, held=False)
    network.train()
    for batch, (images, labels) in enumerate(training_batches(split, recipe, training.preprocessing, epoch)):
        progress = (epoch * count + batch) / (recipe.epochs * count)
        lr = recipe.lr_at(progress)
        for group in training.optimizer.param_groups:
            group["lr"] = lr
        if part is not None:
            part.set_progress(progress)
        scores = network(images.contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(scores, labels)
        if not torch.isfinite(loss):
            raise UsageError(
                f"the loss is {loss.item()} in epoch {epoch + 1}, batch {batch + 1}, at a learning rate of {lr:g}",
                "train with a smaller --lr",
            )
        lasso = add_lasso(part, recipe)
        training.optimizer.zero_grad()
        torch.autograd.backward(loss if lasso is None else loss + recipe.lasso * lasso)
        if training.longest < inf:
            nn.utils.clip_grad_norm_(network.parameters(), training.longest)
        training.optimizer.step()
        losses += loss.item() * len(labels)
        lassos += 0.0 if lasso is None else lasso.item() * len(labels)
        right += int((scores.argmax(1) == labels).sum())
        seen += len(labels)
        on_batch(epoch + 1, batch + 1, count)
    return losses / seen, lassos / seen, right, seen, lr


def add_lasso(part: Condensing | None, recipe: Recipe) -> torch.Tensor | None:
    """The group-lasso term, or None where the recipe does without or there is nothing to condense."""
    return part.lasso() if part is not None and recipe.lasso > 0 else None


def accuracy_on(network: nn.Module, split: Split, preprocessing: Preprocessing) -> float:
    """Share of images whose highest score is their label, percent; the network is left in eval mode."""
    network.eval()
    hold_ranges(network, held=True)
    right = 0
    with torch.no_grad():
        for images, labels in evaluation_batches(split, preprocessing):
            right += int((network(images).argmax(1) == labels).sum())
    return 100 * right / len(split.labels)
