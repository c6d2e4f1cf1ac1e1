"""Weights from TensorFlow: its padding and epsilon, and how they are known by."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.types import CheckpointReading, ModelCard
from edgekit.zoo.blocks import ConvBNAct, pad_as_tf
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.registry import Built, create

TF, PLAIN = CheckpointReading(tf_padding=True), CheckpointReading(tf_padding=False)
CARDS = ("mobilenet_v1_0.25", "mobilenet_v2_0.25", "mobilenet_v3_small_0.75", "mnasnet_b1_0.5", "mnasnet_a1_1.0")


def epsilons(network: nn.Module) -> set[float]:
    return {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)}


def changed(card: ModelCard, **architecture: Any) -> ModelCard:
    return card.model_copy(update={"architecture": {**card.architecture, **architecture}})


def outputs(network: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return network(torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("kernel", [3, 5])
def test_padding_is_tensorflows(kernel: int) -> None:
    """TF "SAME": ``max((ceil(n / 2) - 1) * 2 + kernel - n, 0)`` zeros, the odd one below and right."""
    x = torch.ones(1, 1, 8, 12)
    total = (4 - 1) * 2 + kernel - 8
    padded = pad_as_tf(x, kernel)
    before = total // 2
    assert padded.shape[2:] == (8 + total, 12 + total)
    assert torch.equal(padded[..., before : before + 8, before : before + 12], x)
    assert padded.sum() == x.sum()
    layer = ConvBNAct(1, 1, kernel, 2, tf_padding=True).eval()
    with torch.no_grad():
        layer[0].weight.fill_(1.0)  # type: ignore[union-attr, operator]
        sums = layer(x)[0, 0] * (1 + 1e-5) ** 0.5
    rows = [sum(0 <= 2 * i + j - before < 8 for j in range(kernel)) for i in range(4)]
    columns = [sum(0 <= 2 * i + j - before < 12 for j in range(kernel)) for i in range(6)]
    torch.testing.assert_close(sums, torch.outer(torch.tensor(rows), torch.tensor(columns)).float())


@pytest.mark.parametrize("model", CARDS)
def test_every_family_takes_padding_and_epsilon(model: str, enliven: Any) -> None:
    card = find_card(model)
    symmetric, tf = enliven(create(card)), create(changed(card, tf_padding=True, bn_eps=2e-3))
    assert epsilons(tf) == {2e-3}
    tf.load_state_dict(symmetric.state_dict())
    for module in tf.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = epsilons(symmetric).copy().pop()
    first, second = outputs(symmetric), outputs(tf)
    assert first.shape == second.shape
    assert not torch.allclose(first, second, rtol=1e-3)
    strided = [m for m in tf.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert len(strided) == 5
    assert all(m.padding == (0, 0) for m in strided)


def test_sizes_that_it_does_not_fit_are_refused() -> None:
    card = changed(find_card("mobilenet_v2_0.25"), tf_padding=True).model_copy(update={"input_shape": (3, 224, 300)})
    with pytest.raises(UsageError, match="multiples of 32, and it is 224 x 300"):
        create(card)


@pytest.mark.parametrize("model", ["tf_mobilenetv3_small_075", "tf_mobilenetv3_small_minimal_100"])
@pytest.mark.parametrize("where", ["name", "folder", "config", "option", "link"])
def test_timms_networks_give_timms_scores(
    model: str, where: str, references: Any, enliven: Any, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    source = enliven(references.timm(model))
    ids = {"tf_mobilenetv3_small_075": "mobilenet_v3_small_0.75"}
    card = find_card(ids.get(model, "mobilenet_v3_small_minimal_1.0"))
    folder, reading = tmp_path / "weights", CheckpointReading()
    names = {"name": f"{model}-0a1b2c3d.safetensors"}
    if where in ("folder", "link"):
        folder = tmp_path / f"models--timm--{model}.in1k" / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    path = folder / names.get(where, "model.safetensors")
    save_file(source.state_dict(), path)
    if where == "link":
        blob = folder.parent.parent / "blobs" / "5f0c"
        blob.parent.mkdir()
        shutil.move(path, blob)
        path.symlink_to(blob)
    if where == "config":
        (folder / "config.json").write_text(json.dumps({"architecture": model, "num_classes": 1000}))
    if where == "option":
        reading = TF
    found = build_with_provenance(card, path, reading=reading)
    torch.testing.assert_close(outputs(found.network), outputs(source), rtol=1e-4, atol=1e-4)
    assert (found.card.architecture["tf_padding"], found.card.architecture["bn_eps"]) == (True, 1e-3)
    if where != "option":
        plain = build_with_provenance(card, path, reading=PLAIN)
        assert not torch.allclose(outputs(plain.network), outputs(source), rtol=1e-2)


def own(card: ModelCard, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.save(create(card).state_dict(), folder / "w.pth")
    return folder / "w.pth"


def built(model: str, path: Path, reading: CheckpointReading | None = None) -> Built:
    return build_with_provenance(find_card(model), path, reading=reading)


def test_a_folder_that_only_begins_alike_says_nothing(tmp_path: Path) -> None:
    for name in ("tf_projects", "my_tf_runs", "mobilenet_tf"):
        path = own(find_card("mobilenet_v2_0.25"), tmp_path / name)
        assert "tf_padding" not in built("mobilenet_v2_0.25", path).card.architecture


def test_own_names_keep_the_cards_epsilon_and_mobilenet_v1_takes_relu6(tmp_path: Path) -> None:
    card = find_card("mobilenet_v1_0.25")
    found = built(card.id, own(card, tmp_path), TF)
    assert epsilons(found.network) == {1e-5}
    assert found.card.architecture["activation"] == "relu6"
    assert not any(type(m) is nn.ReLU for m in found.network.modules())


def test_a_cards_own_epsilon_wins_over_a_layouts(references: Any, tmp_path: Path) -> None:
    torch.save(references.timm("mobilenetv3_small_050").state_dict(), tmp_path / "timm.pth")
    card = changed(find_card("mobilenet_v3_small_0.5"), bn_eps=5e-4)
    assert epsilons(build_with_provenance(card, tmp_path / "timm.pth").network) == {5e-4}


def test_a_family_without_it_is_refused(tmp_path: Path) -> None:
    card = find_card("squeezenet_1.1")
    with pytest.raises(UsageError, match="has no way to pad as TensorFlow does"):
        build_with_provenance(card, own(card, tmp_path), reading=TF)


def test_training_on_keeps_it(stripes: Path, tmp_path: Path) -> None:
    from edgekit.training.recipes import Recipe
    from edgekit.verbs.train import TrainOptions, train

    card = find_card("mobilenet_v2_0.25")
    path = own(card, tmp_path / "tf_mobilenet_v2")
    recipe = Recipe(epochs=1, batch=64, lr=0.001)
    made = train(card.id, TrainOptions(str(stripes), recipe, tmp_path / "out", weights=str(path)))
    again = build_with_provenance(card, made.folder / "checkpoint.pt")
    assert (again.card.architecture["tf_padding"], epsilons(again.network)) == (True, {1e-3})
    assert again.card.num_classes == 3


TRANSFORMERS_NAMES = {
    "mobilenet_v1_0.25": (
        ("stem.", "mobilenet_v1.conv_stem."),
        *((f"blocks.{n // 2}.{('depthwise', 'pointwise')[n % 2]}.", f"mobilenet_v1.layer.{n}.") for n in range(26)),
    ),
    "mobilenet_v2_0.35": (
        ("features.0.", "mobilenet_v2.conv_stem.first_conv."),
        ("features.1.conv.0.", "mobilenet_v2.conv_stem.conv_3x3."),
        ("features.1.conv.", "mobilenet_v2.conv_stem.reduce_1x1."),
        *(
            (f"features.{n + 2}.conv.{before}", f"mobilenet_v2.layer.{n}.{after}.")
            for n in range(16)
            for before, after in (("0.", "expand_1x1"), ("1.", "conv_3x3"), ("", "reduce_1x1"))
        ),
        ("features.18.", "mobilenet_v2.conv_1x1."),
    ),
}
"""Beginnings of edgekit's names, the longer ones first, and those of Hugging Face's transformers."""


def transformers_name(name: str, model: str) -> str:
    """What transformers calls a tensor of the network."""
    if name.startswith("classifier."):
        return f"classifier.{name.rpartition('.')[2]}"
    before, after = next(pair for pair in TRANSFORMERS_NAMES[model] if name.startswith(pair[0]))
    layer, _, leaf = name.removeprefix(before).rpartition(".")
    projection = re.fullmatch(r"features\.(\d+)\.conv\.", before)  # its convolution and normalisation have no folder
    convolution = "0" if projection is None else "1" if projection[1] == "1" else "2"
    return f"{after}{'convolution' if layer == convolution else 'normalization'}.{leaf}"


@pytest.mark.parametrize("model", TRANSFORMERS_NAMES)
@pytest.mark.parametrize("padded", [True, False])
def test_transformers_networks_are_tensorflows(model: str, padded: bool, enliven: Any, tmp_path: Path) -> None:
    """Without a word in ``config.json`` they are padded as TensorFlow does, as its classes are."""
    more = {"activation": "relu6"} if "v1" in model else {}
    network = enliven(create(changed(find_card(model), tf_padding=padded, bn_eps=1e-3, **more)))
    names = [transformers_name(name, model) for name in network.state_dict()]
    assert len(set(names)) == len(names)
    values = dict(zip(names, network.state_dict().values(), strict=True))
    torch.save(values, tmp_path / "pytorch_model.bin")
    if not padded:
        (tmp_path / "config.json").write_text(json.dumps({"tf_padding": False}))
    built = build_with_provenance(find_card(model), tmp_path / "pytorch_model.bin")
    assert built.provenance.layout == "Hugging Face transformers"
    assert torch.equal(outputs(built.network), outputs(network))
