"""Checkpoints as public trainers write them give the weights of the network that they hold; what is none is named."""

from __future__ import annotations

import argparse
import collections
import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.catalog import find_card
from edgekit.errors import UsageError
from edgekit.types import CheckpointReading
from edgekit.zoo.build import build_with_provenance
from edgekit.zoo.registry import Built, create

CARD = find_card("squeezenet_1.1").model_copy(update={"num_classes": 5})
State = dict[str, torch.Tensor]


class AttributeDict(dict):  # type: ignore[type-arg]
    """A dict of a framework's own, as hyperparameters are kept in."""


class Config:
    """An object of the user's own script."""

    def __init__(self) -> None:
        self.lr = 0.1


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(3)
    return create(CARD).state_dict()


def prefixed(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def moved(state: State) -> State:
    return {key: value + 1 for key, value in state.items()}


def counted(state: State) -> State:
    layers = {key.rpartition(".")[0] for key in state}
    zeros = {f"{layer}.total_ops": torch.zeros(1, dtype=torch.float64) for layer in layers}
    return {**state, **zeros, "total_ops": torch.zeros(1), "total_params": torch.zeros(1)}


WRITERS: dict[str, Callable[[State], Any]] = {
    "plain": lambda s: s,
    "data parallel": lambda s: prefixed("module.", s),
    "data parallel inside": lambda s: {k.replace("features.", "features.module.", 1): v for k, v in s.items()},
    "wrapped": lambda s: {"epoch": 3, "state_dict": prefixed("module.", s)},
    "tutorial": lambda s: {"epoch": 3, "model_state_dict": s, "optimizer_state_dict": {"state": {0: s}}, "loss": 0.1},
    "compiled": lambda s: prefixed("_orig_mod.", s),
    "compiled and parallel": lambda s: {"model": prefixed("module._orig_mod.", s)},
    "lightning": lambda s: {
        "pytorch-lightning_version": "2.2.0",
        "state_dict": {**prefixed("model.", s), "criterion.weight": torch.ones(5), "val_acc.total": torch.ones(())},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9)}},
        "hyper_parameters": AttributeDict(lr=0.1),
    },
    "lightning with its average": lambda s: {"state_dict": prefixed("net.", s) | prefixed("ema_net.module.", moved(s))},
    "torchvision": lambda s: {
        "model": s,
        "model_ema": {**prefixed("module.", moved(s)), "n_averaged": torch.tensor(3)},
        "optimizer": {},
        "args": argparse.Namespace(lr=0.1, output_dir=Path("runs")),
    },
    "timm": lambda s: {"arch": "x", "state_dict": s, "state_dict_ema": moved(s), "args": argparse.Namespace(lr=0.1)},
    "average alone": lambda s: {"ema_state_dict": s, "epoch": 3},
    "averaged model": lambda s: {**prefixed("module.", s), "n_averaged": torch.tensor(3)},
    "numpy": lambda s: {"state_dict": s, "best": np.float64(91.2), "history": np.zeros(3), "config": Config()},
    "default dict": lambda s: {"net": s, "seen": collections.defaultdict(list, {"a": [1]})},
    "pruned": lambda s: {
        **{k: v for k, v in s.items() if k != "features.0.weight"},
        "features.0.weight_orig": s["features.0.weight"],
        "features.0.weight_mask": torch.ones(s["features.0.weight"].shape),
    },
    "metrics beside": lambda s: {"state_dict": prefixed("net.", s) | {"confmat.confmat": torch.zeros(5, 5)}},
    "thop": counted,
    "parameters": lambda s: {key: nn.Parameter(value) for key, value in s.items()},
    "nested": lambda s: {"state": {"model": s}},
    "strings beside": lambda s: {**s, "arch": "squeezenet1_1", "epoch": 3},
    "observed for int8": lambda s: {
        **s,
        "features.0.activation_post_process.min_val": torch.zeros(()),
        "features.0.weight_fake_quant.zero_point": torch.zeros(1, dtype=torch.int32),
        "activation_post_process_0.scale": torch.ones(1),
    },
    "a larger teacher beside": lambda s: {
        "state_dict": prefixed("student.", s)
        | {f"teacher.layer{n}.conv.weight": torch.zeros(2, 2, 1, 1) for n in range(2 * len(s))}
    },
    "double": lambda s: {key: value.double() for key, value in s.items()},
}


def built(content: Any, folder: Path, reading: CheckpointReading | None = None, name: str = "w.pth") -> Built:
    torch.save(content, folder / name)
    return build_with_provenance(CARD, folder / name, reading=reading)


def same(found: Built, state: State) -> bool:
    own = found.network.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[key], value) for key, value in state.items())


@pytest.mark.parametrize("kind", WRITERS)
def test_the_weights_are_found(kind: str, state: State, tmp_path: Path) -> None:
    assert same(built(WRITERS[kind](state), tmp_path), state)


@pytest.mark.parametrize(
    ("write", "taken", "left"),
    [
        (lambda s: {"last_state": moved(s), "best_state": s}, "best_state", "'last_state'"),
        (lambda s: {"best": s, "last": moved(s), "epoch": 3}, "best", "'last'"),
        (lambda s: {"latest_model": moved(s), "final_model": s}, "final_model", "'latest_model'"),
        (lambda s: {"best_model_state": moved(s), "model_state": s}, "model_state", "'best_model_state'"),
        (
            lambda s: {"last_weights": moved(s), "best_weights": s, "last_ema": moved(s)},
            "best_weights",
            "'last_weights'",
        ),
    ],
)
def test_of_several_moments_the_usual_one_is_taken_and_said(
    write: Callable[[State], Any], taken: str, left: str, state: State, tmp_path: Path
) -> None:
    found = built(write(state), tmp_path)
    assert same(found, state)
    assert found.provenance.key == taken
    said = f"{taken!r} taken, {left} beside it, of the same network, left: to take another, save it alone"
    assert said in found.provenance.notes


def test_the_average_that_lightning_keeps_in_the_weights_place_is_said(state: State, tmp_path: Path) -> None:
    """As ``lightning.pytorch.callbacks.WeightAveraging.on_save_checkpoint`` writes it."""
    content = {
        "pytorch-lightning_version": "2.6.0",
        "state_dict": prefixed("model.", state),
        "current_model_state": prefixed("model.", moved(state)),
        "averaging_state": {"n_averaged": torch.tensor(3)},
    }
    for reading in (None, CheckpointReading(ema=True)):
        found = built(content, tmp_path, reading)
        assert same(found, state)
        assert (found.provenance.key, found.provenance.average) == ("state_dict", True)
        (note,) = found.provenance.notes
        assert "is the average of the weights, as Lightning keeps it there" in note
        assert "'current_model_state', left" in note
    # Without the averaging's own state it is an ordinary checkpoint with something beside it.
    plain = built({key: content[key] for key in ("state_dict", "pytorch-lightning_version")}, tmp_path)
    assert (plain.provenance.average, plain.provenance.notes) == (False, ())


@pytest.mark.parametrize("kind", ["timm", "torchvision", "lightning with its average"])
def test_the_average_is_taken_when_it_is_asked_for(kind: str, state: State, tmp_path: Path) -> None:
    found = built(WRITERS[kind](state), tmp_path, CheckpointReading(ema=True))
    assert same(found, moved(state))
    assert found.provenance.average


def test_which_of_both_was_taken_is_known(state: State, tmp_path: Path) -> None:
    weights = built(WRITERS["timm"](state), tmp_path).provenance
    assert (weights.key, weights.other, weights.average) == ("state_dict", "state_dict_ema", False)
    assert weights.choice == "'state_dict' taken, 'state_dict_ema' beside it left: --ema takes it"
    average = built(WRITERS["timm"](state), tmp_path, CheckpointReading(ema=True)).provenance
    assert average.choice == "'state_dict_ema' taken, 'state_dict' beside it left: leave --ema out to take it"
    joined = built(WRITERS["lightning with its average"](state), tmp_path).provenance
    assert (joined.key, joined.other) == ("state_dict.net", "state_dict.ema_net")
    alone = built(WRITERS["average alone"](state), tmp_path).provenance
    assert (alone.key, alone.other, alone.average) == ("ema_state_dict", "", True)


def test_what_is_left_out_is_said(state: State, tmp_path: Path) -> None:
    teacher = built(WRITERS["a larger teacher beside"](state), tmp_path).provenance
    assert teacher.notes == ("only student fits this network; left out: teacher",)
    (watched,) = built(WRITERS["observed for int8"](state), tmp_path).provenance.notes
    assert watched.startswith("the ranges that PyTorch's observers found for int8 were left out")


def test_an_average_that_is_not_there_is_refused(state: State, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no average"):
        built({"state_dict": state}, tmp_path, CheckpointReading(ema=True))
    with pytest.raises(UsageError, match="--ema is about a checkpoint, and none is given"):
        build_with_provenance(CARD, None, reading=CheckpointReading(ema=True))


def test_pruned_weights_are_zero_and_a_mean_beside_the_network_is_not_dropped(state: State, tmp_path: Path) -> None:
    pruned = WRITERS["pruned"](state)
    pruned["features.0.weight_mask"].zero_()
    assert not built(pruned, tmp_path).network.state_dict()["features.0.weight"].any()
    with pytest.raises(UsageError, match="unexpected, first mean"):
        built(prefixed("net.", state) | {"mean": torch.zeros(3)}, tmp_path)


def test_old_files_and_files_named_by_their_digest(state: State, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.save({"state_dict": state, "args": Config()}, tmp_path / "old", _use_new_zipfile_serialization=False)
    assert same(build_with_provenance(CARD, tmp_path / "old"), state)
    save_file(prefixed("module.", state), tmp_path / "5f2c")
    assert same(build_with_provenance(CARD, tmp_path / "5f2c"), state)


class Trap:
    """Writes a file when it is unpickled as Python would."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.path,)


class Sprung:
    """Sets a trap off in its own ``__setstate__``."""

    where = ""

    def __setstate__(self, state: Any) -> None:
        Path(state["where"]).mkdir()


@pytest.mark.parametrize("zipped", [True, False])
def test_no_code_runs(zipped: bool, state: State, tmp_path: Path) -> None:
    sprung = Sprung()
    sprung.where = str(tmp_path / "sprung")
    torch.save({"state_dict": state, "args": sprung}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert same(build_with_provenance(CARD, tmp_path / "a.pth"), state)
    content = {"state_dict": state, "args": Trap(tmp_path / "trap")}
    torch.save(content, tmp_path / "b.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UsageError, match=r"it calls for \w+\.mkdir"):
        build_with_provenance(CARD, tmp_path / "b.pth")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pth", "b.pth"]


REFUSED: dict[str, tuple[Callable[[State], Any], str]] = {
    "module": (lambda _: nn.Linear(2, 2), r"a whole pickled network, torch\.nn\.modules\.linear\.Linear"),
    "module inside": (lambda _: {"epoch": 3, "model": nn.Linear(2, 2)}, "its 'model' is a whole pickled network"),
    "list": (lambda s: [s], r"holds a list \(1 long\) and not a state dict"),
    "tensor": (lambda _: torch.zeros(3), "holds one tensor"),
    "arrays": (lambda _: {"features.0.weight": np.zeros(3)}, "'features.0.weight' is a NumPy array"),
    "no weights": (lambda _: {"epoch": 3, "args": argparse.Namespace()}, "its keys are epoch, args"),
    "int8": (lambda s: {k: (v * 100).to(torch.int8) for k, v in s.items()}, "hold int8, not real numbers"),
    "quantized": (
        lambda s: {k: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8) for k, v in s.items()},
        "holds quantized weights",
    ),
    "quantized module": (lambda s: {**s, "features.0.zero_point": torch.tensor(3)}, "holds quantized weights"),
    "several": (lambda s: {"first": s, "second": s}, "holds several tables of tensors: first, second"),
    "several of unlike networks": (
        lambda s: {"best": s, "last": {k: v for k, v in s.items() if "features" in k}},
        "holds several tables of tensors: best, last",
    ),
    "two of one moment": (lambda s: {"best_a": s, "best_b": s}, "holds several tables of tensors: best_a, best_b"),
    "several in one": (lambda s: prefixed("a.", s) | prefixed("b.", s), "holds several networks: a, b"),
}


@pytest.mark.filterwarnings("ignore:.*TypedStorage", "ignore:.*quantiz")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_named(kind: str, state: State, tmp_path: Path) -> None:
    write, said = REFUSED[kind]
    with pytest.raises(UsageError, match=said) as caught:
        built(write(copy.copy(state)), tmp_path)
    assert "num-classes" not in caught.value.hint
