"""Checkpoints under the names of OpenMMLab's mmpretrain, and of the MobileNetV2 that many took from tonylins."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.registry import create

STAGES = (1, 2, 3, 4, 3, 3, 1)
"""Blocks of MobileNetV2 in each stage."""
BLOCK = {"conv.0.0": "conv.0.conv", "conv.0.1": "conv.0.bn", "conv.1.0": "conv.1.conv", "conv.1.1": "conv.1.bn"}
FIRST = {"conv.0.0": "0", "conv.0.1": "1", "conv.1": "3", "conv.2": "4"}
OTHERS = {"conv.0.0": "0", "conv.0.1": "1", "conv.1.0": "3", "conv.1.1": "4", "conv.2": "6", "conv.3": "7"}


def mmpretrain_v2(key: str) -> str:
    """A name of torchvision's MobileNetV2 as mmpretrain has it."""
    if key.startswith("classifier.1."):
        return key.replace("classifier.1", "head.fc")
    number = int(key.split(".")[1])
    if number in (0, 18):
        layer = "conv1" if number == 0 else "conv2"
        return re.sub(r"^features\.\d+\.([01])", lambda m: f"backbone.{layer}.{('conv', 'bn')[int(m[1])]}", key)
    places = [(stage + 1, unit) for stage, count in enumerate(STAGES) for unit in range(count)]
    stage, unit = places[number - 1]
    inner, _, leaf = key.split(".", 2)[2].rpartition(".")
    last = {"conv.1": "conv.1.conv", "conv.2": "conv.1.bn"} if number == 1 else {}
    last |= {} if number == 1 else {"conv.2": "conv.2.conv", "conv.3": "conv.2.bn"}
    return f"backbone.layer{stage}.{unit}.{(BLOCK | last)[inner]}.{leaf}"


def tonylins(key: str) -> str:
    """A name of torchvision's MobileNetV2 as tonylins' code has it, which numbers the layers of a block through."""
    if key.startswith("classifier.1."):
        return key.replace("classifier.1", "classifier")
    number = int(key.split(".")[1])
    if number == 0:
        return key
    if number == 18:
        return key.replace("features.18", "conv")
    inner, _, leaf = key.split(".", 2)[2].rpartition(".")
    return f"features.{number}.conv.{(FIRST if number == 1 else OTHERS)[inner]}.{leaf}"


def mmpretrain_v3(state: dict[str, Any], key: str) -> str:
    """A name of torchvision's MobileNetV3 as mmpretrain has it."""
    if key.startswith("classifier."):
        place = 0 if key.startswith("classifier.0") else 1
        return f"head.layers.{place}.fc.{key.rpartition('.')[2]}"
    number, rest = key.split(".", 2)[1:]
    kinds = {"0": "conv", "1": "bn"}
    if not rest.startswith("block."):
        return f"backbone.layer{number}.{kinds[rest[0]]}{rest[1:]}"
    _, step, part, leaf = rest.split(".")
    steps = sorted({name.split(".")[3] for name in state if name.startswith(f"features.{number}.block.")}, key=int)
    excited = any(f"features.{number}.block.{step}.fc1.weight" in state for step in steps)
    names = ["depthwise_conv", *(["se"] if excited else []), "linear_conv"]
    name = dict(zip(steps, names if len(names) == len(steps) else ["expand_conv", *names], strict=True))[step]
    inner = {"fc1": "conv1.conv", "fc2": "conv2.conv"}[part] if name == "se" else kinds[part]
    return f"backbone.layer{number}.{name}.{inner}.{leaf}"


def mmpretrain_shufflenet(key: str) -> str:
    """A name of torchvision's ShuffleNetV2 as mmpretrain has it."""
    if key.startswith("fc."):
        return f"head.{key}"
    kinds = ("conv", "bn")
    for layer, name in (("conv1", "conv1"), ("conv5", "layers.3")):
        if key.startswith(f"{layer}."):
            return re.sub(rf"^{layer}\.([01])", lambda m, name=name: f"backbone.{name}.{kinds[int(m[1])]}", key)
    stage, unit, branch, place, leaf = key.split(".")
    # The activations are layers of their own in torchvision, and parts of the modules in mmpretrain.
    module, kind = {
        "branch1": {"0": (0, 0), "1": (0, 1), "2": (1, 0), "3": (1, 1)},
        "branch2": {"0": (0, 0), "1": (0, 1), "3": (1, 0), "4": (1, 1), "5": (2, 0), "6": (2, 1)},
    }[branch][place]
    return f"backbone.layers.{int(stage[5:]) - 2}.{unit}.{branch}.{module}.{kinds[kind]}.{leaf}"


CASES: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "mmpretrain, MobileNetV2": (
        "mobilenet_v2_0.25",
        lambda state: {mmpretrain_v2(key): value for key, value in state.items()},
        "mmpretrain",
    ),
    "mmpretrain, ShuffleNetV2": (
        "shufflenet_v2_0.5",
        lambda state: {mmpretrain_shufflenet(key): value for key, value in state.items()},
        "mmpretrain",
    ),
    "mmpretrain, MobileNetV3": (
        "mobilenet_v3_small_1.0",
        lambda state: {mmpretrain_v3(state, key): value for key, value in state.items()},
        "mmpretrain, MobileNetV3",
    ),
    "tonylins": (
        "mobilenet_v2_0.25",
        lambda state: {tonylins(key): value for key, value in state.items()},
        "tonylins",
    ),
}


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("kind", CASES)
def test_the_network_is_found(kind: str, shuffled: bool, enliven: Any, tmp_path: Path) -> None:
    model, renamed, layout = CASES[kind]
    torch.manual_seed(2)
    source = enliven(create(find_card(model), 6))
    state = renamed(source.state_dict())
    assert len(state) == len(source.state_dict())
    if shuffled:
        state = dict(sorted(state.items()))
    torch.save({"state_dict": state, "meta": {}}, tmp_path / "epoch_9.pth")
    found = build_with_provenance(find_card(model), tmp_path / "epoch_9.pth")
    assert found.provenance.layout == layout
    assert found.card.num_classes == 6
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(found.network(x), source.eval()(x))


def test_the_epsilon_of_each_network(tmp_path: Path) -> None:
    for kind, eps in (("mmpretrain, MobileNetV2", 1e-5), ("mmpretrain, MobileNetV3", 1e-3)):
        model, renamed, _ = CASES[kind]
        torch.save(renamed(create(find_card(model)).state_dict()), tmp_path / "w.pth")
        network = build_with_provenance(find_card(model), tmp_path / "w.pth").network
        assert {layer.eps for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {eps}
