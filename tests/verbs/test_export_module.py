"""``edgekit.export``: a network in the caller's own process."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgekit
from edgekit.errors import UsageError


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))


def test_a_module(tmp_path: Path) -> None:
    """In int8, calibrated on what an iterable gives; the module stays in the mode that it was in."""
    net = network().train()
    rng = np.random.default_rng(0)
    data = ((rng.random((1, 3, 8, 8), np.float32),) for _ in range(12))
    made = edgekit.export(
        net, (torch.rand(1, 3, 8, 8),), formats=("onnx",), int8=True, calibration=data, name="mine", out=tmp_path
    )
    assert [stored.folder for stored in made] == [tmp_path / "mine" / "onnx-int8"]
    artifact = made[0].artifact
    assert artifact.audit.int8_compute_ops == 2
    assert artifact.calibration is not None
    assert artifact.calibration.count == 12
    assert net.training
    assert net[1].training


@dataclasses.dataclass
class Found:
    """What a detector gives."""

    scores: torch.Tensor
    boxes: torch.Tensor
    loss: None = None


class Detector(nn.Module):
    """Gives an object of a class of the caller's."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, image: torch.Tensor) -> Found:
        """Scores and boxes."""
        scores = self.body(image)
        return Found(scores, scores * 2)


def test_a_network_that_gives_an_object_of_the_callers(tmp_path: Path) -> None:
    """Its class is not known where the rest of the work is done."""
    net = torch.compile(Detector().train())
    (stored,) = edgekit.export(net, (torch.rand(1, 3, 8, 8),), formats=("onnx",), out=tmp_path)
    assert [spec.name for spec in stored.artifact.outputs] == ["scores", "boxes"]
    assert stored.artifact.parity is not None
    assert stored.artifact.parity.sqnr_db > 80
    assert net.training


def test_a_program(tmp_path: Path) -> None:
    program = torch.export.export(network().eval(), (torch.rand(1, 3, 8, 8),))
    (stored,) = edgekit.export(program, formats=("openvino",), out=tmp_path)
    assert stored.artifact.parity is not None
    assert stored.artifact.parity.sqnr_db > 80


def test_what_it_refuses(tmp_path: Path) -> None:
    x = (torch.rand(1, 3, 8, 8),)
    for call, message in (
        (lambda: edgekit.export(7, x, out=tmp_path), "int is not a torch.nn.Module"),  # type: ignore[arg-type]
        (lambda: edgekit.export(network(), out=tmp_path), "there are no example inputs"),
        (lambda: edgekit.export(network(), x, name="../x", out=tmp_path), "cannot name a folder"),
        (lambda: edgekit.export(network(), x, formats=("tvm",), out=tmp_path), "unknown format 'tvm'"),
        (lambda: edgekit.export(network(), x, calibration=[], out=tmp_path), "no calibration inputs"),
    ):
        with pytest.raises(UsageError, match=message):
            call()
