"""Every card's network has the parameters, the MACs and the names of its reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.catalog import cards, find_card
from edgekit.zoo.complexity import count_macs, count_params
from edgekit.zoo.registry import FAMILIES, create
from edgekit.zoo.shapes_only import shapes_only

DATA = Path(__file__).parent.parent / "data"
CARDS = cards()
OWN = ("condensenet_fashion_small",)  # edgekit's own: no reference to compare with
# Parameters and MACs by model id, counted from the reference implementations.
COUNTS = json.loads((DATA / "networks_counts.json").read_text(encoding="utf-8"))
# Layers of public checkpoints: a BN is its width, any other layer its tensors' shapes.
PUBLIC_KEYS = json.loads((DATA / "networks_keys.json").read_text(encoding="utf-8"))


def meta(card_id: str, **architecture: Any) -> nn.Module:
    card = CARDS[card_id]
    with shapes_only():
        network = FAMILIES[card.family](**{**card.architecture, **architecture}, num_classes=card.num_classes)
    return network.eval()


def counted(network: nn.Module, card_id: str) -> dict[str, int]:
    return {"params": count_params(network), "macs": count_macs(network, (1, *CARDS[card_id].input_shape))}


@pytest.mark.parametrize("card_id", CARDS)
def test_params_and_macs(card_id: str) -> None:
    card, found = CARDS[card_id], counted(meta(card_id), card_id)
    assert found == {"params": card.params, "macs": card.macs}
    expected = COUNTS.get(card_id, {})
    assert expected or card_id in OWN
    if "params" in expected:
        assert found == {"params": expected["params"], "macs": expected["macs"]}


def test_every_reference_has_a_card() -> None:
    assert set(COUNTS) == set(CARDS) - set(OWN)


@pytest.mark.parametrize("card_id", [i for i in COUNTS if i.startswith("shufflenet_v1") and "megvii" in COUNTS[i]])
def test_megvii_shufflenet_v1_differs_by_the_bias_only(card_id: str) -> None:
    expected = COUNTS[card_id]["megvii"]
    found = counted(meta(card_id, convention="megvii"), card_id)
    assert found == {"params": expected["params"] + 1000, "macs": expected["macs"]}


@pytest.mark.parametrize("width", ["0.5", "1.0", "1.5", "2.0"])
def test_megvii_shufflenet_v2(width: str) -> None:
    card_id = f"shufflenet_v2_{width}"
    expected = COUNTS[card_id]["megvii"]
    found = counted(meta(card_id, variant="megvii"), card_id)
    assert found == {"params": expected["params"] + 1000, "macs": expected["macs"]}


@pytest.mark.parametrize("card_id", [i for i in CARDS if "l24m2" in i or "l4m8" in i])
def test_consistent_igcv1(card_id: str) -> None:
    expected = COUNTS[card_id].get("consistent", {k: COUNTS[card_id][k] for k in ("params", "macs")})
    assert counted(meta(card_id, consistent=True), card_id) == expected


@pytest.mark.parametrize("card_id", [i for i in COUNTS if "scale_head" in COUNTS[i]])
def test_mobilenet_v3_with_torchvisions_head(card_id: str) -> None:
    assert counted(meta(card_id, scale_head=True), card_id) == COUNTS[card_id]["scale_head"]


def official_flops(network: nn.Module, card_id: str) -> int:
    """The count of CondenseNet's own code: it adds ReLUs, poolings and the classifier's bias to the MACs."""
    shape = CARDS[card_id].input_shape
    total = 0

    def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        total += inputs[0].numel() if isinstance(layer, nn.ReLU) else output.numel() * 4

    hooks = [m.register_forward_hook(add) for m in network.modules() if isinstance(m, (nn.ReLU, nn.AvgPool2d))]
    macs = count_macs(network, (1, *shape))
    for hook in hooks:
        hook.remove()
    last_side = 7 if shape[1] == 224 else 8
    classifier = network.classifier
    assert isinstance(classifier, nn.Linear)
    return macs + total + classifier.in_features * last_side**2 + classifier.out_features


@pytest.mark.parametrize("card_id", [i for i in COUNTS if i.startswith("condensenet")])
def test_condensenet_in_every_form(card_id: str) -> None:
    expected, network = COUNTS[card_id], meta(card_id)
    assert official_flops(network, card_id) == expected["official_flops"]
    assert count_params(network) == expected["official_params"]
    if "training_params" in expected:
        assert count_params(meta(card_id, form="training")) == expected["training_params"]
        assert counted(meta(card_id, half_classifier=True), card_id) == expected["half_classifier"]


PUBLIC = {
    "squeezenet1_0": ("squeezenet_1.0", {}),
    "squeezenet1_1": ("squeezenet_1.1", {}),
    "mobilenet_v2": ("mobilenet_v2_1.0", {}),
    "mobilenet_v3_large": ("mobilenet_v3_large_1.0", {}),
    "mobilenet_v3_small": ("mobilenet_v3_small_1.0", {}),
    "mnasnet0_5": ("mnasnet_b1_0.5", {}),
    "mnasnet1_0": ("mnasnet_b1_1.0", {}),
    "shufflenet_v2_x0_5": ("shufflenet_v2_0.5", {}),
    "shufflenet_v2_x1_0": ("shufflenet_v2_1.0", {}),
    "shufflenet_v2_x1_5": ("shufflenet_v2_1.5", {}),
    "shufflenet_v2_x2_0": ("shufflenet_v2_2.0", {}),
    "condensenet74_g4_training_form": ("condensenet_imagenet74_g4c4", {"form": "training"}),
    "condensenet74_g4_converted": ("condensenet_imagenet74_g4c4", {"half_classifier": True}),
    "condensenet74_g8_training_form": ("condensenet_imagenet74_g8c8", {"form": "training"}),
    "condensenet74_g8_converted": ("condensenet_imagenet74_g8c8", {"half_classifier": True}),
    "condensenet86_cifar10_training_form": ("condensenet_cifar10_86", {"form": "training"}),
}


def layers(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The shapes of a state by layer, as the table has them."""
    grouped: dict[str, dict[str, list[int]]] = {}
    for key, value in state.items():
        prefix, _, leaf = key.rpartition(".")
        grouped.setdefault(prefix, {})[leaf] = list(value.shape)
    return {prefix: leaves["weight"][0] if "running_mean" in leaves else leaves for prefix, leaves in grouped.items()}


@pytest.mark.parametrize("public", PUBLIC)
def test_names_and_shapes_are_the_public_checkpoints(public: str) -> None:
    card_id, architecture = PUBLIC[public]
    assert layers(meta(card_id, **architecture).state_dict()) == PUBLIC_KEYS[public]


@pytest.mark.parametrize(
    ("alias", "card_id"),
    [
        ("mobilenet", "mobilenet_v1_1.0"),
        ("mobilenet_v1", "mobilenet_v1_1.0"),
        ("mobilenet_v2", "mobilenet_v2_1.0"),
        ("mobilenet_v3", "mobilenet_v3_large_1.0"),
        ("mnasnet", "mnasnet_b1_1.0"),
        ("semnasnet_100", "mnasnet_a1_1.0"),
        ("shufflenet", "shufflenet_v1_g3_1.0"),
        ("shufflenet_v1", "shufflenet_v1_g3_1.0"),
        ("shufflenet_v2", "shufflenet_v2_1.0"),
        ("shufflenet_v2_x0_5", "shufflenet_v2_0.5"),
        ("igcv1", "igcv1_cifar10_l24m2_d20_plain"),
        ("igcv2", "igcv2_cifar10_c416_k8_l3_d20"),
        ("igcv3", "igcv3_d_1.0_imagenet"),
        ("condensenet", "condensenet_imagenet74_g4c4"),
        ("squeezenet", "squeezenet_1.1"),
    ],
)
def test_a_family_name_is_its_default_variant(alias: str, card_id: str) -> None:
    assert find_card(alias).id == card_id


@pytest.mark.parametrize("family", FAMILIES)
def test_number_of_classes_is_an_argument(family: str) -> None:
    card = next(card for card in CARDS.values() if card.family == family)
    with shapes_only():
        network = create(card, num_classes=7)
        assert network(torch.empty(2, *card.input_shape)).shape == (2, 7)


@pytest.mark.parametrize("family", FAMILIES)
def test_tracing_finds_no_control_flow(family: str, enliven: Any) -> None:
    smallest = min((card for card in CARDS.values() if card.family == family), key=lambda card: card.macs)
    network = enliven(create(smallest))
    x = torch.randn(1, *smallest.input_shape)
    with torch.no_grad():
        torch.testing.assert_close(torch.fx.symbolic_trace(network)(x), network(x))
        graph = torch.export.export(network, (x,), strict=False).graph
    ranks = [len(node.meta["val"].shape) for node in graph.nodes if isinstance(node.meta.get("val"), torch.Tensor)]
    assert max(ranks) == 4
