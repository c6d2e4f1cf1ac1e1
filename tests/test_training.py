"""Recipes, batches, the loop with its condensation schedule, and the plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.training.batches import augmented, batch_indices, evaluation_batches, scaled, training_batches
from edgekit.training.condensing import condensing_part, survivors
from edgekit.training.datasets import ArrayImages, Split
from edgekit.training.loop import LONGEST, Training, begin, train_epoch
from edgekit.training.recipes import Recipe, find_recipe, with_changes
from edgekit.training.sources import load_data
from edgekit.types import Preprocessing
from edgekit.zoo.registry import create

PRE = Preprocessing(resize=8, crop=8, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
PRE32 = PRE.model_copy(update={"resize": 32, "crop": 32})
RECIPE = Recipe(epochs=6, batch=8, lr=0.1, lasso=1e-4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def training(card_file: Path, data: Path, recipe: Recipe = RECIPE) -> Training:
    card = find_card(str(card_file))
    torch.manual_seed(recipe.seed)
    network = create(card.model_copy(update={"architecture": {**card.architecture, "form": "training"}}))
    return begin(network, load_data(str(data), PRE), PRE, recipe)


def test_the_learning_rate_is_half_a_cosine() -> None:
    recipe = Recipe(epochs=1, batch=2, lr=0.4)
    assert [recipe.lr_at(p) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.4, 0.2, 0.0])


def test_recipes_by_name() -> None:
    assert find_recipe("imagenet").lasso == 1e-5
    with pytest.raises(UsageError, match="unknown recipe 'smal'") as caught:
        find_recipe("smal")
    assert "small" in caught.value.hint
    assert with_changes(find_recipe("small"), epochs=3, seed=5) == find_recipe("small").model_copy(
        update={"epochs": 3, "seed": 5}
    )
    with pytest.raises(UsageError, match="--lr -1"):
        with_changes(find_recipe("small"), lr=-1.0)


def test_batches_hold_every_image_once_and_none_alone() -> None:
    recipe = Recipe(epochs=1, batch=8, lr=0.1)
    batches = batch_indices(27, recipe, 0)
    assert [len(b) for b in batches] == [8, 8, 8, 3]
    assert sorted(np.concatenate(batches)) == list(range(27))
    assert [len(b) for b in batch_indices(25, recipe, 0)] == [8, 8, 8]
    assert not np.array_equal(batches[0], batch_indices(27, recipe, 1)[0])
    assert np.array_equal(batches[0], batch_indices(27, recipe, 0)[0])


def test_inputs_are_normalised_and_resized() -> None:
    grey = np.full((3, 4, 4), 255, np.uint8)
    split = Split(ArrayImages(grey), np.array([0, 1, 0]))
    ((images, labels),) = evaluation_batches(split, PRE)
    assert images.shape == (3, 3, 8, 8)
    torch.testing.assert_close(images, torch.full_like(images, 2.0))
    assert labels.tolist() == [0, 1, 0]
    red_first = np.zeros((1, 8, 8, 3), np.uint8)
    red_first[..., 0] = 255
    assert scaled(red_first, PRE.model_copy(update={"channels": "BGR"}))[0, :, 0, 0].tolist() == [0, 0, 1]


def test_augmentation_mirrors_and_shifts() -> None:
    recipe = Recipe(epochs=1, batch=2, lr=0.1, flip=True, shift=2)
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(50, 3, 8, 8)
    moved = augmented(images, recipe, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in moved}) > 20
    flipped = augmented(images, recipe.model_copy(update={"shift": 0}), torch.Generator().manual_seed(0))
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    same = (flipped == images).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 10 < int(mirrored.sum()) < 40


def test_batches_depend_on_seed_and_epoch_alone(stripes: Path) -> None:
    split = load_data(str(stripes), PRE).train
    first, again, other = (list(training_batches(split, RECIPE, PRE, epoch)) for epoch in (0, 0, 1))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])


def test_a_condensenet_learns_and_condenses(tiny_condensenet: Path, stripes: Path) -> None:
    made = training(tiny_condensenet, stripes)
    seen: list[tuple[int, int, int]] = []
    epochs = [train_epoch(made, lambda *state: seen.append(state)) for _ in range(6)]
    assert seen[0] == (1, 1, 15)
    assert seen[-1] == (6, 15, 15)
    assert [e.number for e in epochs] == [1, 2, 3, 4, 5, 6]
    # C = 2: one stage, at half of the training; it takes half of the connections of every layer.
    left = [e.survivors for e in epochs]
    assert [s.stage for s in left if s] == [0, 0, 0, 1, 1, 1]
    assert [s.connections for s in left if s] == [left[0].total] * 3 + [left[0].total // 2] * 3  # type: ignore[union-attr]
    assert left[-1] is not None
    assert left[-1].inputs == {
        "features.denseblock_1.denselayer_1.conv_1": 4,
        "features.denseblock_2.denselayer_1.conv_1": 6,
        "features.denseblock_2.denselayer_2.conv_1": 10,
    }
    assert epochs[-1].test_accuracy > 85
    assert epochs[-1].loss < epochs[0].loss
    assert [e.lasso for e in epochs[3:]] == [0.0, 0.0, 0.0]
    assert epochs[0].lasso
    assert epochs[-1].lr < 0.001 < epochs[0].lr <= 0.1
    assert not made.network.training


def test_the_same_seed_gives_the_same_training(tiny_condensenet: Path, stripes: Path) -> None:
    short = RECIPE.model_copy(update={"epochs": 2})
    states = []
    for seed in (0, 0, 1):
        made = training(tiny_condensenet, stripes, short.model_copy(update={"seed": seed}))
        torch.rand(7 + seed)  # what others draw changes nothing
        for _ in range(2):
            train_epoch(made)
        states.append(made.network.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["classifier.weight"], states[2]["classifier.weight"])


def test_lasso_shrinks_weights(tiny_condensenet: Path, stripes: Path) -> None:
    found = []
    for weight in (0.0, 0.01):
        made = training(tiny_condensenet, stripes, RECIPE.model_copy(update={"epochs": 4, "lasso": weight}))
        train_epoch(made)
        part = condensing_part(made.network)
        assert part is not None
        found.append(float(part.lasso().detach()))
    assert found[1] < 0.95 * found[0]


def test_a_loss_that_is_not_finite_stops_the_training(tiny_condensenet: Path, stripes: Path) -> None:
    made = training(tiny_condensenet, stripes, RECIPE.model_copy(update={"lr": 1e30}))
    with pytest.raises(UsageError, match=r"the loss is (nan|inf) in epoch 1") as caught:
        train_epoch(made)
    assert "smaller --lr" in caught.value.hint


def test_a_network_without_batch_normalisation_takes_no_long_step(stripes: Path) -> None:
    torch.manual_seed(0)
    network = create(find_card("squeezenet_1.1").model_copy(update={"input_shape": (3, 32, 32)}), 3)
    data = load_data(str(stripes), PRE32)
    recipe = Recipe(epochs=1, batch=len(data.train.labels), lr=0.1, weight_decay=0)
    made = begin(network, data, PRE32, recipe)
    before = torch.cat([value.detach().flatten().clone() for value in network.parameters()])
    train_epoch(made)
    step = torch.cat([value.detach().flatten() for value in network.parameters()]) - before
    # Nesterov's first step: the gradient, and its momentum's share once more.
    assert float(step.norm()) == pytest.approx(recipe.lr * (1 + recipe.momentum) * LONGEST, rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_every_class_of_a_fresh_squeezenet_can_learn(seed: int) -> None:
    torch.manual_seed(seed)
    network = create(find_card("squeezenet_1.1"), 10)
    scores = network(torch.randn(8, 3, 32, 32))
    assert (scores > 0).any(0).all()  # the gradient of a score that a ReLU holds at zero is zero


def test_ordinary_networks_have_nothing_to_condense(tiny_condensenet: Path) -> None:
    assert condensing_part(nn.Linear(2, 2)) is None
    assert condensing_part(create(find_card(str(tiny_condensenet)))) is None


def test_survivors_count_connections(tiny_condensenet: Path, stripes: Path) -> None:
    part = condensing_part(training(tiny_condensenet, stripes).network)
    assert part is not None
    before = survivors(part)
    assert before.connections == before.total == sum(before.layers.values()) == 8 * 16 + 12 * 32 + 20 * 32
    part.set_progress(0.5)
    assert survivors(part).connections == before.total // 2
