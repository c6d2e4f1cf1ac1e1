"""Weights that PyTorch did not write give the same scores as the network that they come from."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.checkpoints import read_checkpoint
from edgekit.zoo.conventions import TF_EPS
from edgekit.zoo.registry import create

CARDS = {"MobilenetV1": "mobilenet_v1_0.25", "MobilenetV2": "mobilenet_v2_0.35", "MobilenetV3": "mobilenet_v3_small"}


def scores(network: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = network.eval()(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    return out


def trained(card_id: str, enliven: Any, **architecture: Any) -> nn.Module:
    card = find_card(card_id)
    return enliven(create(card.model_copy(update={"architecture": {**card.architecture, **architecture}})))


@pytest.mark.parametrize("name", CARDS)
def test_graphs_of_tf_slim(name: str, enliven: Any, slim: Any, node: Any, tmp_path: Path) -> None:
    extra = {"activation": "relu6"} if name == "MobilenetV1" else {}
    network = trained(CARDS[name], enliven, tf_padding=True, bn_eps=TF_EPS, **extra)
    path = tmp_path / "frozen.pb"
    path.write_bytes(b"".join(node(key, np.asarray(value)) for key, value in slim(network, name).items()))
    built = build_with_provenance(find_card(CARDS[name]), path)
    assert built.provenance.layout == "TF-Slim"
    assert built.card.architecture["tf_padding"] is True
    assert torch.allclose(scores(built.network), scores(network), rtol=1e-4, atol=1e-4)


def test_another_epsilon_goes_into_the_variance(enliven: Any, slim: Any, node: Any, tmp_path: Path) -> None:
    network = trained("mobilenet_v1_0.25", enliven, tf_padding=True, bn_eps=0.01, activation="relu6")
    path = tmp_path / "frozen.pb"
    arrays = slim(network, "MobilenetV1", 0.01)
    path.write_bytes(b"".join(node(key, np.asarray(value)) for key, value in arrays.items()))
    built = build_with_provenance(find_card("mobilenet_v1_0.25"), path)
    assert torch.allclose(scores(built.network), scores(network), rtol=1e-4, atol=1e-4)


def test_several_epsilons_are_refused(enliven: Any, slim: Any, node: Any, tmp_path: Path) -> None:
    arrays = slim(trained("mobilenet_v1_0.25", enliven), "MobilenetV1")
    arrays["a/batchnorm/add/y"] = np.float32(0.01)
    path = tmp_path / "frozen.pb"
    path.write_bytes(b"".join(node(key, np.asarray(value)) for key, value in arrays.items()))
    with pytest.raises(UsageError, match=r"several epsilons: 0\.001, 0\.01"):
        read_checkpoint(path)


def test_background_and_other_networks_are_left_out_and_named(
    enliven: Any, slim: Any, node: Any, tmp_path: Path
) -> None:
    network = trained("mobilenet_v1_0.25", enliven, tf_padding=True, bn_eps=TF_EPS, activation="relu6")
    arrays = slim(network, "MobilenetV1")
    for leaf in ("weights", "biases"):
        key = f"MobilenetV1/Logits/Conv2d_1c_1x1/{leaf}"
        arrays[key] = np.concatenate([np.full_like(arrays[key][..., :1], 7), arrays[key]], -1)
    arrays["final_training_ops/weights"] = np.ones((1001, 2), np.float32)
    path = tmp_path / "retrained.pb"
    path.write_bytes(b"".join(node(key, np.asarray(value)) for key, value in arrays.items()))
    built = build_with_provenance(find_card("mobilenet_v1_0.25"), path)
    assert built.card.num_classes == 1000
    assert built.provenance.notes == (
        "final_training_ops beside MobilenetV1 left out",
        "the first of its 1,001 outputs, TF-Slim's background class, left out",
    )
    assert torch.allclose(scores(built.network), scores(network), rtol=1e-4, atol=1e-4)


def caffe_arrays(network: nn.Module) -> dict[str, list[np.ndarray[Any, Any]]]:
    """SqueezeNet's weights as Caffe's converters write them."""
    words = ["conv1"]
    words += [f"fire{n}/{part}" for n in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
    words += ["conv10"]
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return {
        word: [layer.weight.detach().numpy().transpose(2, 3, 1, 0), layer.bias.detach().numpy()]  # type: ignore[union-attr]
        for word, layer in zip(words, layers, strict=True)
    }


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_squeezenet_of_caffe(protocol: int, enliven: Any, tmp_path: Path) -> None:
    network = trained("squeezenet_1.1", enliven)
    path = tmp_path / "squeezenet.pkl"
    # The order in the file says nothing.
    path.write_bytes(pickle.dumps(dict(sorted(caffe_arrays(network).items())), protocol))
    built = build_with_provenance(find_card("squeezenet_1.1"), path)
    assert built.provenance.layout == "Caffe"
    assert torch.equal(scores(built.network), scores(network))


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_arrays_of_numpy_under_pytorchs_names(kind: str, enliven: Any, tmp_path: Path) -> None:
    network = trained("mobilenet_v2_0.35", enliven)
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    path = tmp_path / f"weights.{kind}"
    if kind == "npz":
        np.savez(path, **arrays)
    else:
        np.save(path, {"state_dict": arrays})  # type: ignore[arg-type]
    built = build_with_provenance(find_card("mobilenet_v2_0.35"), path)
    assert torch.equal(scores(built.network), scores(network))


def test_kernels_in_two_layouts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, **{"a.weight": np.zeros((3, 3, 4, 8)), "b.weight": np.zeros((8, 4, 3, 3))})
    with pytest.raises(UsageError, match=r"neither height x width"):
        read_checkpoint(path)


def test_a_graph_without_weights_is_refused(node: Any, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(node("shape", np.zeros(2, np.float32)))
    with pytest.raises(UsageError, match="a TensorFlow graph without weights: freeze"):
        read_checkpoint(path)
