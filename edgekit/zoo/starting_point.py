"""Where a training starts: the network in the form that is trained, with fresh weights or a checkpoint's.

A checkpoint with another number of classes gives its body; the head is made anew, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..types import CheckpointReading, ModelCard
from .checkpoints import load_into, read_checkpoint
from .conventions import with_conventions
from .heads import last_layer
from .layout_names import LAYOUTS
from .layouts import TRAINED_AS, class_count, layout_name
from .registry import create
from .shapes_only import shapes_only


@dataclass(frozen=True)
class Start:
    """A network to train.

    Attributes:
        card: with the architecture of the trained form.
        layout: of the foreign checkpoint whose conventions the network took; empty otherwise.
        text: where the weights came from, in words.
    """

    network: nn.Module
    card: ModelCard
    layout: str
    text: str


def starting_point(card: ModelCard, checkpoint: Path | None, num_classes: int, seed: int) -> Start:
    """The network to train, its fresh weights from ``seed``.

    Raises:
        UsageError: the checkpoint is unreadable, or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if checkpoint is None:
            trained = training_card(card)
            return Start(create(trained, num_classes), trained, "", f"random weights, seed {seed}")
        with shapes_only():
            names = create(card)
        found = read_checkpoint(checkpoint, names)
        layout = layout_name(names, found.state)
        card = with_conventions(card, checkpoint, layout, CheckpointReading(), found.architecture)
        own_eps = "bn_eps" in card.architecture
        masked = any(key.endswith("._mask") for key in found.state)
        trained = training_card(card) if masked else card
        network = create(trained, num_classes)
        head = last_layer(network)
        there = class_count(network, found.state)
        if there in (None, num_classes):
            layout = load_into(network, found, own_eps=own_eps)
            return Start(network, trained, conventions(layout), f"{checkpoint.name} ({layout} layout)")
        body = create(trained, there)
        layout = load_into(body, found, own_eps=own_eps)
        fresh = {key: value for key, value in network.state_dict().items() if key.startswith(f"{head}.")}
        # The network that was loaded has also taken what no tensor says; only its head is exchanged.
        network.load_state_dict(body.state_dict() | fresh, strict=True)
        replace_module(body, head, network.get_submodule(head))
    text = f"{checkpoint.name} ({layout} layout) without its head of {there} classes; new head {head} of {num_classes}"
    return Start(body, trained, conventions(layout), text)


def conventions(layout: str) -> str:
    """The foreign layout whose conventions the weights of ``layout`` have; empty for edgekit's own."""
    name = layout.removeprefix(TRAINED_AS)
    return name if name in {known.name for known in LAYOUTS} else ""


def training_card(card: ModelCard) -> ModelCard:
    """The card in the form that is trained from scratch: for CondenseNet the one with learned groups."""
    if card.family != "condensenet":
        return card
    return card.model_copy(update={"architecture": {**card.architecture, "form": "training"}})


def replace_module(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put ``module`` in the place of the layer ``name``."""
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, module)
