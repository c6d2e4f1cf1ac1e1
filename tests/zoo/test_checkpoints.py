"""Public layouts are recognised, named, and refused when they are of another network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgekit.errors import UsageError
from edgekit.zoo.checkpoints import load_checkpoint
from edgekit.zoo.condensenet import CondenseNet, condensenet
from edgekit.zoo.mnasnet import mnasnet
from edgekit.zoo.mobilenet_v1 import mobilenet_v1
from edgekit.zoo.mobilenet_v3 import mobilenet_v3
from edgekit.zoo.shufflenet_v1 import shufflenet_v1
from edgekit.zoo.shufflenet_v2 import shufflenet_v2

TINY = {"stages": "2-2", "growth": "8-16", "stem_stride": 1, "num_classes": 10}


def saved(state: Any, path: Path) -> Path:
    torch.save(state, path)
    return path


def same(first: nn.Module, second: nn.Module, size: int = 64) -> bool:
    x = torch.randn(1, 3, size, size)
    with torch.no_grad():
        return torch.allclose(first.eval()(x), second.eval()(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torchvision_layout_without_metadata(suffix: str, enliven: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network, other = enliven(mnasnet("b1", 0.5)), mnasnet("b1", 0.5)
    path = tmp_path / f"mnasnet{suffix}"
    state = dict(network.state_dict())
    if suffix == ".pth":
        saved(state, path)
    else:
        save_file(state, path)
    layout, digest = load_checkpoint(other, path)
    assert layout == "torchvision"
    assert len(digest) == 64
    assert same(network, other)


def test_a_family_without_public_names_has_edgekits_layout(tmp_path: Path) -> None:
    path = saved(mobilenet_v1(0.25).state_dict(), tmp_path / "own.pth")
    assert load_checkpoint(mobilenet_v1(0.25), path)[0] == "edgekit"


def test_another_width_lists_the_first_differences(tmp_path: Path) -> None:
    path = saved(mnasnet("b1", 0.75).state_dict(), tmp_path / "w.pth")
    with pytest.raises(UsageError, match=r"torchvision layout.*of another shape: layers\.0\.weight is \[24, 3, 3, 3\]"):
        load_checkpoint(mnasnet("b1", 0.5), path)


def test_another_family_lists_missing_and_unexpected_keys(tmp_path: Path) -> None:
    path = saved(mobilenet_v1(0.25).state_dict(), tmp_path / "w.pth")
    with pytest.raises(UsageError, match=r"keys missing, first layers\.0\.weight.*unexpected, first stem\.0\.weight"):
        load_checkpoint(mnasnet("b1", 0.5), path)


def test_a_timm_file_of_another_network_is_refused(references: Any, tmp_path: Path) -> None:
    path = saved(references.timm("mobilenetv3_small_050").state_dict(), tmp_path / "w.pth")
    network = mobilenet_v3("small", 1.0)
    before = network.state_dict()["classifier.3.weight"].clone()
    with pytest.raises(UsageError, match=r"timm layout.*of another shape"):
        load_checkpoint(network, path)
    with pytest.raises(UsageError, match=r"timm layout.*keys missing"):
        load_checkpoint(mobilenet_v3("large", 1.0), path)
    assert torch.equal(before, network.state_dict()["classifier.3.weight"])


def test_the_epsilon_travels_with_timms_weights_only(references: Any, tmp_path: Path) -> None:
    network = mobilenet_v3("small", 0.5)
    load_checkpoint(network, saved(network.state_dict(), tmp_path / "own.pth"))
    assert {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}
    load_checkpoint(network, saved(references.timm("mobilenetv3_small_050").state_dict(), tmp_path / "timm.pth"))
    assert {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-5}


def megvii_v1(network: nn.Module) -> dict[str, torch.Tensor]:
    """A ShuffleNet V1's state under megvii's names, which have no bias in the classifier."""
    state = {}
    parts = {"reduce.0": "1.0", "reduce.1": "1.1", "depthwise.0": "1.3", "depthwise.1": "1.4"}
    parts |= {"expand.0": "2.0", "expand.1": "2.1"}
    for key, value in network.state_dict().items():
        pieces = key.split(".")
        if pieces[0] == "conv1":
            state[key.replace("conv1", "module.first_conv")] = value
        elif pieces[0] == "units":
            part = parts[".".join(pieces[2:4])]
            state[f"module.features.{pieces[1]}.branch_main_{part}.{pieces[4]}"] = value
    state["module.classifier.0.weight"] = network.get_parameter("fc.weight")
    return state


def test_megvii_shufflenet_v1(enliven: Any, tmp_path: Path) -> None:
    source = enliven(shufflenet_v1(3, 0.5, convention="megvii"))
    nn.init.zeros_(source.fc.bias)
    path = saved({"state_dict": megvii_v1(source)}, tmp_path / "megvii.pth.tar")
    network = shufflenet_v1(3, 0.5)
    assert load_checkpoint(network, path)[0] == "megvii"
    assert same(source, network)
    assert not same(source, shufflenet_v1(3, 0.5))


def test_megvii_shufflenet_v2(enliven: Any, tmp_path: Path) -> None:
    source = enliven(shufflenet_v2(0.5, variant="megvii"))
    nn.init.zeros_(source.fc.bias)
    state, unit = {}, -1
    for key, value in source.state_dict().items():
        pieces = key.split(".")
        if key.startswith("stage"):
            unit += key.endswith(".branch2.0.weight")
            index = unit + (pieces[2] == "branch1")
            branch = {"branch1": "branch_proj", "branch2": "branch_main"}[pieces[2]]
            state[".".join(["features", str(index), branch, *pieces[3:]])] = value
        elif key != "fc.bias":
            state[key.replace("conv1", "first_conv").replace("conv5", "conv_last").replace("fc", "classifier.0")] = (
                value
            )
    path = saved(state, tmp_path / "megvii.pth")
    network = shufflenet_v2(0.5, variant="pytorchcv")
    assert load_checkpoint(network, path)[0] == "megvii"
    assert same(source, network)
    with pytest.raises(UsageError, match="megvii layout"):
        load_checkpoint(shufflenet_v2(1.0), path)


def trained(enliven: Any) -> CondenseNet:
    network = enliven(condensenet(**TINY, form="training"))
    network.set_progress(1.0)
    return network


def official(network: nn.Module) -> dict[str, Any]:
    """As the released files have it: wrapped, ``module.`` before every key, no counters."""
    state = {f"module.{k}": v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {"epoch": 1, "arch": "condensenet", "state_dict": state, "best_prec1": torch.tensor(1.0)}


def test_official_condensenet_training_file(enliven: Any, tmp_path: Path) -> None:
    source = trained(enliven)
    path = saved(official(source), tmp_path / "model_best.pth.tar")
    again = condensenet(**TINY, form="training")
    assert load_checkpoint(again, path)[0] == "CondenseNet training"
    assert same(source, again, 16)
    for half in (False, True):
        condensed = condensenet(**TINY, half_classifier=half)
        assert load_checkpoint(condensed, path)[0] == "CondenseNet training, condensed"
        assert same(source, condensed, 16) is not half


def test_official_condensenet_converted_file(enliven: Any, tmp_path: Path) -> None:
    source = enliven(condensenet(**TINY, half_classifier=True))
    path = saved(official(source), tmp_path / "converted.pth.tar")
    half, whole = condensenet(**TINY, half_classifier=True), condensenet(**TINY)
    assert load_checkpoint(half, path)[0] == "CondenseNet converted"
    assert load_checkpoint(whole, path)[0] == "CondenseNet converted, classifier written out"
    assert same(source, half, 16)
    assert same(source, whole, 16)
    with pytest.raises(UsageError, match=r"CondenseNet converted layout.*unexpected, first classifier\.index"):
        load_checkpoint(condensenet("2-2", "4-8", stem_stride=1, num_classes=10), path)


def test_an_untrained_condensenet_file_is_refused(tmp_path: Path) -> None:
    path = saved(official(condensenet(**TINY, form="training")), tmp_path / "epoch0.pth.tar")
    with pytest.raises(UsageError, match="16 of 16 inputs survive, not 4"):
        load_checkpoint(condensenet(**TINY), path)
    with pytest.raises(UsageError, match="of another shape"):
        load_checkpoint(condensenet("2-2", "16-16", stem_stride=1, num_classes=10), path)
