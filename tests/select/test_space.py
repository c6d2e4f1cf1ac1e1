from __future__ import annotations

import math
from pathlib import Path

import pytest

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.reports.card_text import card_text
from edgekit.select.space import Space, width_space
from edgekit.verbs.search.search import space_around
from edgekit.zoo.complexity import layer_costs, total_cost
from edgekit.zoo.registry import create
from edgekit.zoo.shapes_only import shapes_only


def macs(card_or_name: object) -> int:
    card = find_card(card_or_name) if isinstance(card_or_name, str) else card_or_name
    with shapes_only():
        return total_cost(layer_costs(create(card), (1, *card.input_shape))).macs


@pytest.mark.parametrize("model", ["mnasnet_a1_1.0", "mnasnet_b1_0.5"])
def test_the_reference_of_mnasnets_space_is_the_card_itself(model: str) -> None:
    card = find_card(model)
    space = space_around(card, None)
    made = space.card_of(space.reference, "same")
    with shapes_only():
        first, second = create(card), create(made)
    assert {k: v.shape for k, v in first.state_dict().items()} == {k: v.shape for k, v in second.state_dict().items()}
    assert macs(card) == macs(made)
    assert space.size == math.prod(len(values) for values in space.choices.values())
    assert len(space.choices) == 2 + 6 * len(space.stacks)


def test_every_choice_of_a_block_changes_the_network() -> None:
    space = space_around(find_card("mnasnet_a1_1.0"), "blocks")
    reference = space.reference
    plain = str(space.card_of(reference, "plain").architecture["blocks"]).split("; ")
    changes = {"kernel2": 3, "expansion2": 1, "squeeze2": False, "skip2": False, "layers2": 1, "channels2": 1.25}
    got = {}
    for name, value in changes.items():
        made = space.card_of({**reference, name: value}, "changed")
        blocks = str(made.architecture["blocks"]).split("; ")
        assert [a == b for a, b in zip(blocks, plain, strict=True)] == [True, False, True, True, True, True]
        got[name] = blocks[1]
        create(made)
    assert plain[1] == "e3 k5 c40 n3 s2 se"
    assert got["channels2"] == "e3 k5 c50 n3 s2 se"
    assert got["layers2"] == "e3 k5 c40 n4 s2 se"
    assert got["skip2"] == "e3 k5 c40 n3 s2 se noskip"
    assert macs(space.card_of({**reference, "head": 0.25}, "small")) < macs("mnasnet_a1_1.0")


def test_a_resolution_keeps_the_margin_of_the_resize() -> None:
    space = width_space(find_card("mobilenet_v2_1.0"))
    assert space.resolutions == (128, 160, 192, 224, 256)
    made = space.card_of({"width": 0.75, "resolution": 160}, "narrow")
    assert made.input_shape == (3, 160, 160)
    assert (made.preprocessing.crop, made.preprocessing.resize) == (160, 183)
    assert made.architecture["width"] == 0.75
    assert made.published == made.weights == ()
    create(made)


def test_a_card_of_a_search_is_read_as_it_is_written(tmp_path: Path) -> None:
    space = space_around(find_card("mnasnet_a1_1.0"), None)
    made = space.card_of({**space.reference, "squeeze1": True}, "mnasnet_s001")
    path = tmp_path / "mnasnet_s001.toml"
    path.write_text(card_text(made))
    assert find_card(str(path)) == made


def test_what_cannot_be_searched() -> None:
    with pytest.raises(UsageError, match=r"the space of blocks is MnasNet's, and mobilenet_v2_1\.0 is a mobilenet_v2"):
        space_around(find_card("mobilenet_v2_1.0"), "blocks")
    with pytest.raises(UsageError, match=r"squeezenet_1\.1 has no width to search"):
        space_around(find_card("squeezenet_1.1"), None)
    card = find_card("mobilenet_v2_1.0")
    oblong = card.preprocessing.model_copy(update={"crop": (224, 160)})
    with pytest.raises(UsageError, match="takes 224 x 160"):
        width_space(card.model_copy(update={"input_shape": (3, 224, 160), "preprocessing": oblong}))
    assert isinstance(width_space(card), Space)
