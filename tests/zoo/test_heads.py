"""Heads that were made anew are taken, the class count is read from them, and a wrong one is named as the cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.registry import create

CARDS = {
    "mobilenet_v2_0.25": "classifier.1",
    "mobilenet_v3_small_0.75": "classifier.3",
    "mnasnet_b1_0.5": "classifier.1",
    "mobilenet_v1_0.25": "classifier",
    "shufflenet_v2_0.5": "fc",
}
State = dict[str, torch.Tensor]


def with_classes(model: str, classes: int) -> State:
    torch.manual_seed(1)
    return create(find_card(model), classes).state_dict()


def saved(state: Any, folder: Path) -> Path:
    torch.save(state, folder / "best.pt")
    return folder / "best.pt"


def renamed(state: State, head: str, name: str) -> State:
    return {key.replace(f"{head}.", f"{name}.") if key.startswith(f"{head}.") else key: v for key, v in state.items()}


@pytest.mark.parametrize("model", CARDS)
@pytest.mark.parametrize("name", ["fc", "head", "classifier", "classifier.1", "last_linear.0", "model.head"])
def test_an_exchanged_head(model: str, name: str, tmp_path: Path) -> None:
    state, head = with_classes(model, 7), CARDS[model]
    written = renamed(state, head, name) if name != "model.head" else renamed(
        {f"model.{key}": value for key, value in state.items()}, f"model.{head}", "head"
    )  # fmt: skip
    found = build_with_provenance(find_card(model), saved(written, tmp_path))
    assert found.card.num_classes == 7
    assert all(torch.equal(value, state[key]) for key, value in found.network.state_dict().items())


def test_an_exchanged_head_in_timms_names(references: Any, tmp_path: Path) -> None:
    source = references.timm("mobilenetv3_small_050", num_classes=6).eval()
    state = renamed(source.state_dict(), "classifier", "fc")
    found = build_with_provenance(find_card("mobilenet_v3_small_0.5"), saved(state, tmp_path))
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(found.network(x), source(x), atol=1e-5)


def test_a_head_without_bias_and_one_that_is_a_convolution(tmp_path: Path) -> None:
    state = with_classes("mobilenet_v2_0.25", 3)
    weight = state["classifier.1.weight"]
    bare = {key: value for key, value in state.items() if not key.startswith("classifier")}
    bare["head.weight"] = weight[:, :, None, None]
    found = build_with_provenance(find_card("mobilenet_v2_0.25"), saved(bare, tmp_path)).network.state_dict()
    assert torch.equal(found["classifier.1.weight"], weight)
    assert not found["classifier.1.bias"].any()


def test_a_head_module_that_holds_the_layers_of_the_head(tmp_path: Path) -> None:
    state = with_classes("mobilenet_v3_small_0.75", 7)
    split = {(f"head.{k}" if k.startswith("classifier") else f"backbone.{k}"): v for k, v in state.items()}
    found = build_with_provenance(find_card("mobilenet_v3_small_0.75"), saved({"state_dict": split}, tmp_path))
    assert all(torch.equal(value, state[key]) for key, value in found.network.state_dict().items())


def test_num_classes_is_there_to_contradict(tmp_path: Path) -> None:
    path = saved(with_classes("mobilenet_v2_0.25", 10), tmp_path)
    card = find_card("mobilenet_v2_0.25")
    assert build_with_provenance(card, path, 10).card.num_classes == 10
    with pytest.raises(UsageError, match="has 10 classes, and --num-classes says 12"):
        build_with_provenance(card, path, 12)


def without_head(state: State) -> State:
    return {key: value for key, value in state.items() if not key.startswith("classifier")}


CAUSES: dict[str, tuple[str, Callable[[State], State], str]] = {
    "backbone": ("mobilenet_v2_0.25", without_head, "has no head"),
    "a bias that got lost": (
        "mobilenet_v2_0.25",
        lambda s: {key: value for key, value in s.items() if key != "classifier.1.bias"},
        "its head has no bias",
    ),
    "two layers": (
        "mobilenet_v2_0.25",
        lambda s: (
            without_head(s)
            | {f"classifier.{i}.{k}": v for i in (0, 2) for k, v in nn.Linear(1280, 1280).state_dict().items()}
        ),
        "head of several layers",
    ),
    "other features": (
        "mobilenet_v3_small_0.75",
        lambda s: s | {"classifier.3.weight": torch.zeros(9, 432)},
        "reads other features",
    ),
    "another network": (
        "mobilenet_v2_0.25",
        lambda _: with_classes("squeezenet_1.1", 9),
        "checkpoint of another network",
    ),
    "another width": ("mobilenet_v2_0.25", lambda _: with_classes("mobilenet_v2_0.5", 9), "another width"),
    "linear for a convolution": (
        "squeezenet_1.1",
        lambda s: s | {"classifier.1.weight": torch.zeros(9, 512)},
        "it is another layer",
    ),
    "a head in layers": (
        "mobilenet_v2_0.25",
        lambda s: (
            without_head(s)
            | {"classifier.1.0.weight": torch.zeros(64, 1280), "classifier.1.0.bias": torch.zeros(64)}
            | {"classifier.1.3.weight": torch.zeros(9, 64), "classifier.1.3.bias": torch.zeros(9)}
        ),
        "several layers, which is another network: give its code",
    ),
    "grey": (
        "mobilenet_v2_0.25",
        lambda s: s | {"features.0.0.weight": s["features.0.0.weight"].sum(1, keepdim=True)},
        "say --channels L",
    ),
    "four channels": (
        "mobilenet_v2_0.25",
        lambda s: s | {"features.0.0.weight": torch.zeros(8, 4, 3, 3)},
        "its first layer reads 4 channels",
    ),
    "pixels normalised inside": (
        "mobilenet_v2_0.25",
        lambda s: s | {"normalize.mean": torch.zeros(3), "normalize.std": torch.ones(3)},
        r"normalises its images itself (normalize.mean)",
    ),
    "folded": (
        "mobilenet_v2_0.25",
        lambda s: (
            {k: v for k, v in s.items() if f"{k.rpartition('.')[0]}.running_mean" not in s}
            | {"features.0.0.bias": torch.zeros(8)}
        ),
        "its BN layers are folded",
    ),
    "parametrized": (
        "mobilenet_v2_0.25",
        lambda s: (
            {k: v for k, v in s.items() if k != "features.0.0.weight"}
            | {"features.0.0.parametrizations.weight.original": s["features.0.0.weight"]}
        ),
        "remove_parametrizations",
    ),
    "more": ("mobilenet_v2_0.25", lambda s: s | {"aux.weight": torch.zeros(3, 3)}, "and more"),
}


@pytest.mark.parametrize("kind", CAUSES)
def test_the_hint_names_the_cause(kind: str, tmp_path: Path) -> None:
    model, change, said = CAUSES[kind]
    with pytest.raises(UsageError, match="does not fit") as caught:
        build_with_provenance(find_card(model), saved(change(with_classes(model, 9)), tmp_path))
    assert said in caught.value.hint
