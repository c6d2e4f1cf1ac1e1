"""Files of Keras give the scores of the network that they were made from; hostile ones are refused by name."""

from __future__ import annotations

import random
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import EdgekitError, UsageError
from edgekit.zoo import keras_files
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.checkpoints import read_checkpoint
from edgekit.zoo.conventions import TF_EPS
from edgekit.zoo.keras_files import is_keras, layers_in
from edgekit.zoo.registry import create
from tests.support.keras_file import configuration, keras_layers, write_archive, write_named, write_numbered

CARDS = ("mobilenet_v1_0.25", "mobilenet_v2_0.35", "mobilenet_v3_small")


def trained(card_id: str, enliven: Any) -> nn.Module:
    """The card's network as TensorFlow trains it."""
    card = find_card(card_id)
    extra: dict[str, Any] = {"activation": "relu6"} if card.family == "mobilenet_v1" else {}
    more = {**card.architecture, "tf_padding": True, "bn_eps": TF_EPS, **extra}
    network: nn.Module = enliven(create(card.model_copy(update={"architecture": more})))
    return network.eval()


def scores(network: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = network(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    return out


@pytest.mark.parametrize("kind", ["model.h5", "weights.h5", "model.weights.h5", "model.keras"])
@pytest.mark.parametrize("card", CARDS)
def test_the_scores_are_those_of_the_network(card: str, kind: str, enliven: Any, tmp_path: Path) -> None:
    network = trained(card, enliven)
    layers = keras_layers(network)
    path = tmp_path / kind
    if kind == "model.h5":  # half of it frozen, so that it is saved behind the rest
        write_named(path, layers, configuration(layers, 64), frozen=len(layers) // 2)
    elif kind == "weights.h5":  # of Keras 2
        write_named(path, layers, suffix=":0")
    else:
        content = BytesIO()
        write_numbered(content, layers)
        members = {"config.json": configuration(layers, 64).encode(), "model.weights.h5": content.getvalue()}
        path = write_archive(path, members) if kind == "model.keras" else path
        if kind != "model.keras":
            path.write_bytes(content.getvalue())
    assert is_keras(path)
    built = build_with_provenance(find_card(card), path)
    assert built.provenance.layout == "Keras"
    assert built.card.architecture["tf_padding"] is True
    assert torch.allclose(scores(built.network), scores(network), rtol=1e-4, atol=1e-4)


def test_a_head_of_one_s_own_is_taken_with_its_classes(enliven: Any, tmp_path: Path) -> None:
    layers = keras_layers(trained("mobilenet_v2_0.35", enliven))
    layers[-1] = ("Dense", "dense_7", {"kernel": np.ones((1280, 5), np.float32), "bias": np.arange(5.0)})
    path = write_named(tmp_path / "model.h5", layers, configuration(layers, 64))
    built = build_with_provenance(find_card("mobilenet_v2_0.35"), path)
    assert built.card.num_classes == 5
    assert built.network.state_dict()["classifier.1.bias"].tolist() == [0, 1, 2, 3, 4]


def test_another_network_is_named(enliven: Any, tmp_path: Path) -> None:
    layers = keras_layers(trained("mobilenet_v2_0.35", enliven))
    layers.insert(-1, ("Dense", "hidden", {"kernel": np.ones((1280, 1280), np.float32), "bias": np.ones(1280)}))
    path = write_named(tmp_path / "model.h5", layers, configuration(layers, 64))
    with pytest.raises(UsageError, match=r"unexpected, first keras\.dense\.d_\d+"):
        build_with_provenance(find_card("mobilenet_v2_0.35"), path)


def test_a_family_without_tensorflow_s_padding_is_refused(enliven: Any, tmp_path: Path) -> None:
    path = write_named(tmp_path / "model.h5", keras_layers(trained("mobilenet_v1_0.25", enliven)))
    with pytest.raises(UsageError, match="has no way to pad as TensorFlow does"):
        build_with_provenance(find_card("squeezenet_1.1"), path)


def small(path: Path) -> Path:
    kernel = {"kernel": np.ones((3, 3, 3, 8), np.float32)}
    layers = [("Conv2D", "c", kernel), ("Dense", "d", {"kernel": np.ones((8, 2), np.float32)})]
    return write_named(path, layers, configuration(layers, 32))


def nested(file: h5py.File) -> None:
    file["layers/again"] = file["/"]  # a group that contains itself


def huge(file: h5py.File) -> None:
    file.create_dataset("layers/conv2d/vars/0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))


def elsewhere(file: h5py.File) -> None:
    file["layers/conv2d/vars/0"] = h5py.ExternalLink("/etc/passwd", "x")


def nothing(file: h5py.File) -> None:
    file["numbers"] = np.arange(3.0)


def unplaced(file: h5py.File) -> None:
    for place in range(3):
        file[f"layers/batch_normalization/vars/{place}"] = np.ones(4, np.float32)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (nested, "nested more than 16 deep"),
        (huge, "larger than the file allows"),
        (elsewhere, "cannot be read as weights"),
        (nothing, "without weights of Keras' layers"),
        (unplaced, "has 3 arrays, and the file does not say which"),
    ],
)
def test_hostile_files_are_refused(spoil: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.h5"
    with h5py.File(path, "w") as file:
        spoil(file)
    with pytest.raises(UsageError, match=said):
        read_checkpoint(path)


def test_weights_that_unpack_to_more_than_a_light_networks_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every archive may unpack to some hundred MB, and a large one to many times its size."""
    monkeypatch.setattr(keras_files, "LARGEST_BYTES", 1 << 20)
    path = tmp_path / "large.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(2 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UsageError, match="it has more than 0 GB"):
        read_checkpoint(path)


def test_spoilt_bytes_end_in_a_refusal_or_in_weights(tmp_path: Path) -> None:
    """Every ending is one that a user can read, whatever bytes were changed."""
    content = small(tmp_path / "model.h5").read_bytes()
    rng = random.Random(0)
    path = tmp_path / "spoilt.h5"
    refused = 0
    for _ in range(200):
        spoilt = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            spoilt[rng.randrange(8, len(spoilt))] = rng.randrange(256)
        path.write_bytes(spoilt[: rng.randint(9, len(spoilt))] if rng.random() < 0.2 else spoilt)
        with suppress(ValueError):
            layers_in(path)
        try:
            read_checkpoint(path)
        except EdgekitError:
            refused += 1
    assert refused
