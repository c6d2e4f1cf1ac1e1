"""Random weights make the graph of a trained network: no bias and no running mean is zero."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from edgekit.catalog import default_cards
from edgekit.zoo.checkpoints import sha256_state
from edgekit.zoo.registry import random_network

CARDS = {card.family: card for card in default_cards()}


def images(size: int = 64) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", CARDS)
def test_every_bias_and_running_mean_is_set(family):
    network = random_network(CARDS[family], images())
    state = network.state_dict()
    ends = ("bias", "running_mean", "running_var")
    told = {key: value for key, value in state.items() if key.rpartition(".")[2] in ends}
    assert told
    assert [key for key, value in told.items() if not (value != 0).all()] == []
    assert [key for key, value in told.items() if key.endswith("running_var") and (value == 1).any()] == []


def test_the_seed_decides():
    card = CARDS["mobilenet_v3"]
    first, again, other = (sha256_state(random_network(card, images(), 10, seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
