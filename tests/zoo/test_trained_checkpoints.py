"""Checkpoints of edgekit's own trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from edgekit.catalog import find_card
from edgekit.training.recipes import Recipe
from edgekit.verbs.train import TrainOptions, train
from edgekit.zoo.checkpoints import load_checkpoint, read_header
from edgekit.zoo.registry import create
from edgekit.zoo.starting_point import starting_point


def test_what_no_tensor_says_is_recorded(references: Any, stripes: Path, tmp_path: Path) -> None:
    """timm's BN epsilon, taken over from its checkpoint, is there again after training, saving and loading."""
    source = tmp_path / "timm.pt"
    torch.save(references.timm("mobilenetv3_small_050").state_dict(), source)
    card = find_card("mobilenet_v3_small_0.5")
    recipe = Recipe(epochs=1, batch=64, lr=0.001)
    made = train(card.id, TrainOptions(str(stripes), recipe, tmp_path / "out", weights=str(source)))
    assert "(timm layout) without its head of 1000 classes" in made.run.start
    assert read_header(made.folder / "checkpoint.pt")["layout"] == "timm"
    network = create(card, 3)
    layout, _ = load_checkpoint(network, made.folder / "checkpoint.pt")
    assert layout == "edgekit, trained as timm"
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {1e-5}
    # Training on from there keeps it.
    assert starting_point(card, made.folder / "checkpoint.pt", 3, 0).layout == "timm"
