"""The trained checkpoints that are kept: edgekit reads them, and half the precision costs nothing that counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.accuracy.networks import CARDS, NETWORKS
from benchmarks.accuracy.small_checkpoint import main
from edgekit.catalog import find_card
from edgekit.training.fashion_mnist import CLASSES
from edgekit.types.models import PREPROCESSING_RECORD
from edgekit.zoo.build import build_network
from edgekit.zoo.complexity import count_macs, count_params
from edgekit.zoo.preprocessing import settled
from edgekit.zoo.registry import create

CHECKPOINTS = CARDS.parent / "checkpoints"


@pytest.mark.parametrize("path", sorted(CHECKPOINTS.glob("*.pt")), ids=lambda path: path.stem)
def test_a_kept_checkpoint_makes_a_network(path: Path) -> None:
    assert path.stat().st_size < 1_000_000
    content = torch.load(path, weights_only=True)
    assert tuple(content["edgekit"]["classes"]) == CLASSES
    card = find_card(str(CARDS / f"{path.stem}.toml"))
    assert settled(card, path).preprocessing.mean == card.preprocessing.mean
    network = build_network(card, path)
    scores = network(torch.rand(4, *card.input_shape, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (4, 10)
    assert scores.dtype == torch.float32
    assert scores.std() > 0.5  # trained: random weights hardly tell classes apart


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.model)
def test_the_cards_say_what_their_networks_are(network) -> None:
    card = find_card(network.card)
    made = create(card)
    assert (count_params(made), count_macs(made, (1, *card.input_shape))) == (card.params, card.macs)


def test_the_families_are_all_there() -> None:
    assert len({find_card(network.card).family for network in NETWORKS}) == 11


def test_a_checkpoint_shrinks_to_half(tmp_path: Path) -> None:
    state = {"weight": torch.randn(1000, 64), "count": torch.tensor(70000)}
    content = {"state_dict": state, "edgekit": {"model": "x"}, PREPROCESSING_RECORD: "{}", "optimizer": {"a": state}}
    torch.save(content, tmp_path / "checkpoint.pt")
    assert main([str(tmp_path / "checkpoint.pt"), str(tmp_path / "small.pt")]) == 0
    found = torch.load(tmp_path / "small.pt", weights_only=True)
    assert found.keys() == {"state_dict", "edgekit", PREPROCESSING_RECORD}
    assert found["state_dict"]["count"] == 70000
    assert torch.allclose(found["state_dict"]["weight"].float(), state["weight"], rtol=1e-3, atol=1e-6)
    content["state_dict"] = {"weight": torch.tensor([1e5])}
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="weight reaches 100000, beyond float16"):
        main([str(tmp_path / "checkpoint.pt"), str(tmp_path / "other.pt")])
