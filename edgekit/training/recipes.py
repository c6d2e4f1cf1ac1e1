"""How a network is trained: SGD with Nesterov momentum, a cosine learning rate stepped per batch, the group lasso.

The two recipes of the CondenseNet paper (arXiv:1711.09224, section 5), a small one for minutes on a CPU, and one that
makes a trained network robust against int8.
"""

from __future__ import annotations

import math

from pydantic import Field, ValidationError

from ..errors import UsageError, did_you_mean
from ..types import Frozen


class Recipe(Frozen):
    """What, with the data and the start, decides the outcome of a training.

    Attributes:
        epochs: passes over the training images.
        batch: images per step.
        lr: learning rate of the first step; it falls to zero along half a cosine.
        momentum: of SGD, in Nesterov's form.
        weight_decay: on every parameter.
        lasso: weight of the group lasso of learned group convolutions; without any it has no effect.
        flip: mirror half of the images.
        qat: quantization-aware: round weights and activations as int8 does while training.
        shift: move images by up to this many pixels each way, zeros moving in.
        seed: of initial weights, order, augmentation and dropout.
    """

    epochs: int = Field(gt=0)
    batch: int = Field(gt=1)
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    lasso: float = Field(default=0.0, ge=0)
    flip: bool = True
    qat: bool = False
    shift: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)

    def lr_at(self, progress: float) -> float:
        """The learning rate at a share of the training done, 0 to 1."""
        return 0.5 * self.lr * (1 + math.cos(math.pi * progress))


RECIPES = {
    # Fashion-MNIST on two cores. The lasso's weight is the paper's ImageNet one; a flipped shirt is a shirt.
    "small": Recipe(epochs=6, batch=64, lr=0.1, lasso=1e-5),
    # From a trained checkpoint: a step must not undo what the training found.
    "qat": Recipe(epochs=2, batch=64, lr=0.002, qat=True),
    "cifar": Recipe(epochs=300, batch=64, lr=0.1, shift=4),
    "imagenet": Recipe(epochs=120, batch=256, lr=0.1, lasso=1e-5),
}


def find_recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        UsageError: unknown name, with the nearest known ones.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}", did_you_mean(name, RECIPES))
    return RECIPES[name]


def with_changes(
    recipe: Recipe,
    *,
    epochs: int | None = None,
    batch: int | None = None,
    lr: float | None = None,
    lasso: float | None = None,
    seed: int = 0,
    qat: bool | None = None,
) -> Recipe:
    """``recipe`` with whatever is not None in place of its own.

    Raises:
        UsageError: a value that no training can have.
    """
    wanted = {"epochs": epochs, "batch": batch, "lr": lr, "lasso": lasso, "seed": seed, "qat": qat}
    changes = {key: value for key, value in wanted.items() if value is not None}
    try:
        return Recipe.model_validate({**recipe.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--{first['loc'][0]} {first['input']}: {first['msg']}") from error
