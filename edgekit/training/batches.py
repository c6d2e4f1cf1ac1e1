"""From images to batches: order, augmentation and normalisation, all decided by the seed and the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..base.images.image_arrays import fitted
from ..types import Preprocessing
from .datasets import Indices, Pixels, Split
from .recipes import Recipe

TEST_BATCH = 256


def batch_indices(count: int, recipe: Recipe, epoch: int) -> list[Indices]:
    """The shuffled images of an epoch in batches; a last one of a single image is left out: BN cannot take it."""
    order = np.random.default_rng((recipe.seed, epoch)).permutation(count)
    batches = [order[start : start + recipe.batch] for start in range(0, count, recipe.batch)]
    return batches[:-1] if len(batches[-1]) == 1 else batches


def training_batches(
    split: Split, recipe: Recipe, preprocessing: Preprocessing, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented, normalised inputs ``(n, C, H, W)`` and labels ``(n,)``; the same for the same seed and epoch."""
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
    for chosen in batch_indices(len(split.labels), recipe, epoch):
        images = scaled(split.images.take(chosen), preprocessing)
        yield normalised(augmented(images, recipe, generator), preprocessing), torch.from_numpy(split.labels[chosen])


def evaluation_batches(split: Split, preprocessing: Preprocessing) -> Iterator[tuple[Tensor, Tensor]]:
    """Every image once, in order."""
    for start in range(0, len(split.labels), TEST_BATCH):
        chosen = np.arange(start, min(start + TEST_BATCH, len(split.labels)))
        images = scaled(split.images.take(chosen), preprocessing)
        yield normalised(images, preprocessing), torch.from_numpy(split.labels[chosen])


def scaled(pixels: Pixels, preprocessing: Preprocessing) -> Tensor:
    """Pixels ``(n, H, W, 3)`` or ``(n, H, W, 1)`` as float ``(n, C, height, width)`` in [0, 1].

    Folders are read at the card's size already; arrays of another size are stretched to it.
    """
    array = fitted(pixels, preprocessing)
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2))).float() / 255


def augmented(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Images mirrored and shifted at random, each by its own draw."""
    if recipe.flip:
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    if recipe.shift:
        height, width = images.shape[-2:]
        padded = torch.nn.functional.pad(images, [recipe.shift] * 4)
        tops, lefts = torch.randint(0, 2 * recipe.shift + 1, (2, len(images)), generator=generator).tolist()
        moved = [
            image[:, top : top + height, left : left + width]
            for image, top, left in zip(padded, tops, lefts, strict=True)
        ]
        images = torch.stack(moved)
    return images


def normalised(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """``(image - mean) / std`` per channel."""
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (images - mean) / std
