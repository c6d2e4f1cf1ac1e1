"""``edgekit condense``: a trained CondenseNet to its condensed form, proven equal before it is written."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..base.files import check_place
from ..catalog import find_card
from ..errors import UsageError, VerificationError
from ..training.checkpoint import Header, save_tensors
from ..training.datasets import Dataset
from ..training.loop import accuracy_on
from ..training.sources import load_data
from ..types import ModelCard
from ..types.models import PREPROCESSING_RECORD
from ..zoo.checkpoints import load_checkpoint, read_header, read_state
from ..zoo.complexity import count_macs, count_params
from ..zoo.condense import condense
from ..zoo.condensenet import CondenseNet
from ..zoo.layouts import class_count
from ..zoo.preprocessing import settled
from ..zoo.registry import create
from ..zoo.starting_point import training_card

PROBE_BATCH, PROBE_SEED = 4, 0
TOLERANCE = 1e-12
"""Largest tolerated difference of float64 outputs, relative to the largest output: only the order of sums differs."""


@dataclass(frozen=True)
class Condensed:
    """What was written.

    Attributes:
        layers: learned group convolutions, all with in / C surviving inputs.
        max_difference: of float64 outputs between the masked and the condensed network with its whole classifier.
        reference_max: largest absolute output, to judge it by.
        half_difference: of the network as written, where it keeps half of the classifier's inputs; else None.
        params_before, params: learnable elements of the training form and of what was written.
        macs: of what was written, batch 1.
        data: name of the test data, or None.
        accuracy_before, accuracy: percent, on the test images of the data; None without data.
    """

    file: Path
    model: str
    num_classes: int
    layers: int
    max_difference: float
    reference_max: float
    half_difference: float | None
    params_before: int
    params: int
    macs: int
    data: str | None
    accuracy_before: float | None
    accuracy: float | None


def condense_checkpoint(
    checkpoint: Path, out: Path, model: str | None = None, *, half_classifier: bool = False, data: str | None = None
) -> Condensed:
    """Condense the training checkpoint ``checkpoint``, edgekit's own or an official ``.pth.tar``, into ``out``.

    Args:
        checkpoint: is not changed.
        out: a checkpoint of the condensed form; replaced when it is there.
        model: the card; edgekit's own checkpoints name theirs.
        half_classifier: keep half of the classifier's inputs, as the official conversion does; costs accuracy.
        data: as for training; its test images tell the accuracy before and after.

    Raises:
        UsageError: not a training checkpoint of that card, or a layer with other than in / C surviving inputs.
        VerificationError: the condensed network computes something else; nothing is written.
    """
    if out.resolve() == checkpoint.resolve():
        raise UsageError(f"-o {out} is the checkpoint itself", "name another file")
    check_place(out, "--out")
    state = read_state(checkpoint)
    card = settled(card_of(checkpoint, model), checkpoint)
    if not any(key.endswith("._mask") for key in state):
        raise UsageError(
            f"{checkpoint} holds no masks: it is not the training form of a CondenseNet",
            f"train one: edgekit train {card.id} --data …",
        )
    trained = training_network(card, checkpoint, state)
    whole = condense(trained)
    test = None if data is None else load_data(data, card.preprocessing)
    if test is not None:
        check_classes(test, trained)
    difference, reference = proven(trained, whole, card, checkpoint)
    written = condense(trained, half_classifier=True) if half_classifier else whole
    half_difference = compared(trained, written, card)[0] if half_classifier else None
    header = Header(
        model=card.id,
        family=card.family,
        architecture={**card.architecture, "half_classifier": half_classifier},
        num_classes=trained.config.num_classes,
        classes=tuple(read_header(checkpoint).get("classes", ())),
    )
    accuracies = [None if test is None else accuracy_on(n, test.test, card.preprocessing) for n in (trained, written)]
    content = {"state_dict": written.state_dict(), "edgekit": header.to_plain()}
    save_tensors(out, {**content, PREPROCESSING_RECORD: card.preprocessing.model_dump_json()})
    return Condensed(
        file=out,
        model=card.id,
        num_classes=trained.config.num_classes,
        layers=len(trained.learned_groups()),
        max_difference=difference,
        reference_max=reference,
        half_difference=half_difference,
        params_before=count_params(trained),
        params=count_params(written),
        macs=count_macs(copy.deepcopy(written).to("meta"), (1, *card.input_shape)),
        data=None if test is None else test.name,
        accuracy_before=accuracies[0],
        accuracy=accuracies[1],
    )


def card_of(checkpoint: Path, model: str | None) -> ModelCard:
    """The card that the user names, or the one that the checkpoint names.

    Raises:
        UsageError: neither, or a card of another family.
    """
    name = model or read_header(checkpoint).get("model")
    if not isinstance(name, str):
        raise UsageError(
            f"{checkpoint} does not say which network it is of",
            "add --model ID (edgekit models list --family condensenet)",
        )
    card = find_card(name)
    if card.family != "condensenet":
        raise UsageError(f"{card.id} is a {card.family}: only CondenseNets can be condensed")
    return card


def training_network(card: ModelCard, checkpoint: Path, state: dict[str, Any]) -> CondenseNet:
    """The network in training form with the checkpoint's weights and masks, in eval mode.

    Raises:
        UsageError: C does not divide a layer's inputs, or the checkpoint is of another variant.
    """
    trained = training_card(card)
    network = create(trained)
    classes = class_count(network, state)
    network = create(trained, classes)
    load_checkpoint(network, checkpoint)
    assert isinstance(network, CondenseNet)
    return network


def check_classes(data: Dataset, network: CondenseNet) -> None:
    """Raise :class:`UsageError` when the data has classes that the network does not know."""
    if len(data.classes) > network.config.num_classes:
        raise UsageError(
            f"{data.name} has {len(data.classes)} classes, the checkpoint {network.config.num_classes}",
            "give --data what the network was trained on",
        )


def proven(trained: nn.Module, condensed: nn.Module, card: ModelCard, checkpoint: Path) -> tuple[float, float]:
    """The largest difference between both in float64, and the largest output.

    Raises:
        VerificationError: they differ by more than the order of sums explains, or are not finite.
    """
    difference, reference = compared(trained, condensed, card)
    if not difference <= TOLERANCE * reference:
        raise VerificationError(
            f"the condensed form of {checkpoint} differs from the masked one by {difference:.3g} of {reference:.3g}",
            "nothing was written; check that the checkpoint's values are finite",
        )
    return difference, reference


def compared(first: nn.Module, second: nn.Module, card: ModelCard) -> tuple[float, float]:
    """The largest difference of both networks' float64 outputs on random inputs, and the first's largest output."""
    generator = torch.Generator().manual_seed(PROBE_SEED)
    images = torch.randn(PROBE_BATCH, *card.input_shape, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        expected, found = (copy.deepcopy(network).double()(images) for network in (first, second))
    return float((expected - found).abs().max()), float(expected.abs().max())
