"""What a card, or an option, says of a network's size is a stranger's word: it may not fill the memory."""

from __future__ import annotations

import time
from typing import Any

import pytest
from torch import nn

from edgekit.catalog import default_cards
from edgekit.errors import UsageError
from edgekit.types import ModelCard
from edgekit.zoo import size_limit
from edgekit.zoo.registry import create
from edgekit.zoo.size_limit import limited

CARDS = {card.family: card for card in default_cards()}


def changed(family: str, **architecture: Any) -> ModelCard:
    card = CARDS[family]
    return card.model_copy(update={"architecture": {**card.architecture, **architecture}})


@pytest.mark.parametrize(
    "card",
    [
        CARDS["mobilenet_v2"].model_copy(update={"num_classes": 9_999_999}),
        CARDS["mobilenet_v2"].model_copy(update={"num_classes": 700_000}),
        changed("mobilenet_v2", width=3000.0),
        changed("condensenet", stages="99999999-9-9-9-9", growth="40000-9-9-9-9"),
        changed("igcv2", channels=2_000_000),
    ],
)
def test_a_network_of_no_measure_is_refused_before_it_is_made(card: ModelCard) -> None:
    begin = time.process_time()
    with pytest.raises(UsageError, match=rf"{card.id} (would have more than|has a layer that does not fit)") as refused:
        create(card)
    assert "--num-classes" in refused.value.hint
    assert time.process_time() - begin < 60  # of minutes and gigabytes, were it made


def test_many_small_layers_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limit, "MOST_TENSORS", 5)
    with limited("it"):
        nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    with pytest.raises(UsageError, match="5 tensors of them"), limited("it"):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(3)))
    nn.Sequential(*(nn.Linear(1, 1) for _ in range(3)))  # and the limit is over with the block


@pytest.mark.parametrize(
    ("family", "architecture", "said"),
    [
        ("mobilenet_v2", {"width": 0.0}, r"width is 0\.0, which has to be above 0"),
        ("mobilenet_v3", {"width": -1.0}, r"width is -1\.0, which has to be above 0"),
        ("condensenet", {"stem_stride": 0}, "stem_stride is 0, which has to be above 0"),
        ("igcv2", {"layers": -1}, "layers is -1"),
        ("igcv1", {"shape": "round"}, "shape is 'round', and there are cifar-plain, cifar-residual, imagenet-double-m"),
        ("mobilenet_v1", {"width": float("inf")}, "cannot convert float infinity"),
    ],
)
def test_a_number_that_makes_no_network(family: str, architecture: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        create(changed(family, **architecture))


def test_zero_where_it_is_usual() -> None:
    create(changed("condensenet", reduction=0.0))


@pytest.mark.parametrize("value", [10**9, -(10**9), 1e300, float("nan"), float("inf"), "9" * 201])
def test_a_card_whose_numbers_are_absurd_is_refused(value: float | str) -> None:
    plain = CARDS["mobilenet_v2"].model_dump()
    with pytest.raises(ValueError, match=r"architecture\.width"):
        ModelCard.model_validate({**plain, "architecture": {"width": value}})
