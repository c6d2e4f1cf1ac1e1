"""int8 TFLite files of networks of any kind run on every input, not on those of the calibration alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.agent.commands.inspect import inspect
from edgekit.convert.any.tflite import convert
from edgekit.forms.profiles import choose_profiles
from tests.support.jobs import job_of


class Divided(nn.Module):
    """A layer norm as ONNX's exporters wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows."""
        y = self.first(x)
        rest = y - y.mean(-1, keepdim=True)
        size = torch.sqrt(rest.square().mean(-1, keepdim=True) + 1e-5)
        return self.last(rest / size).sigmoid()


def test_a_small_divisor_does_not_end_an_inference(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    torch.manual_seed(0)
    rows = torch.randn(8, 1, 8) * 30
    (profile,) = choose_profiles("tflite", int8=True)
    job = job_of(Divided(), rows[0], folder=tmp_path)
    convert(replace(job, profile=profile, sets=[rows.numpy()]))
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.full((1, 8), 1e-3, np.float32))
    interpreter.invoke()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.isfinite(made).all()


class Block(nn.Module):
    """Of ConvNeXt: a large kernel, a norm of the channels, a curve."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.large = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 16, 7, padding=3, groups=16)
        self.norm, self.wide, self.narrow = nn.LayerNorm(16), nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        x = self.stem(x)
        rows = self.norm(self.large(x).permute(0, 2, 3, 1))
        return x + self.narrow(nn.functional.gelu(self.wide(rows))).permute(0, 3, 1, 2)


@pytest.mark.parametrize("strict", [False, True])
def test_what_has_no_int8_kernels_stays_in_float(strict: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 1, 3, 16, 16)
    (profile,) = choose_profiles("tflite", int8=True)
    job = job_of(Block(), images[0], folder=tmp_path)
    made = convert(replace(job, profile=profile, sets=[images.numpy()], strict_int8=strict))
    facts = inspect({"runtime": "litert", "model": str(tmp_path / "model.tflite"), "threads": 1})
    floats = {one["type"] for one in facts["executed"] if one["inputs"][0] == "float32"} - {"QUANTIZE", "TRANSPOSE"}
    if strict:
        assert not floats
        assert not made.float_nodes
        return
    assert facts["delegate"]["partitions"] == 1
    assert not facts["delegate"]["undelegated"]
    assert {"DEPTHWISE_CONV_2D", "GELU", "RSQRT"} <= floats
    assert not {"CONV_2D", "FULLY_CONNECTED"} & floats
    (line,) = [note for note in made.notes if "no int8 kernels" in note]
    assert "1 DEPTHWISE_CONV_2D" in line


class Dense(nn.Module):
    """Of DenseNet, with other curves: what is joined goes on, and what is positive of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.wide, self.last = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(16, 4, 1)
        self.slope, self.swish = nn.PReLU(8), nn.Hardswish()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        x = self.slope(self.stem(x))
        x = torch.cat([x, self.swish(self.wide(x))], 1)
        return self.last(torch.relu(x).clamp_min(0.05))


@pytest.mark.parametrize(
    "otherwise", [{}, {"strict_int8": True}, {"target": "mobile-gpu"}], ids=["cpu", "strict", "gpu"]
)
def test_curves_are_looked_up_in_tables(otherwise: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 1, 3, 16, 16)
    (profile,) = choose_profiles("tflite", int8=True)
    job = job_of(Dense(), images[0], folder=tmp_path)
    made = convert(replace(job, profile=profile, sets=[images.numpy()], **otherwise))
    facts = inspect({"runtime": "litert", "model": str(tmp_path / "model.tflite"), "threads": 1})
    left = {one["type"]: one["inputs"][0] for one in facts["executed"]}
    curves = {"RELU", "HARD_SWISH", "MAXIMUM"}
    if otherwise:  # LiteRT's own kernels, which are slow on a CPU
        assert {left[kind] for kind in curves} == {"int8"}
        assert facts["delegate"]["undelegated"].keys() >= curves
        assert not made.float_nodes
        return
    assert {left[kind] for kind in curves} == {"float32"}
    assert left["CONV_2D"] == left["CONCATENATION"] == "int8"
    assert facts["delegate"]["partitions"] == 1
    assert not facts["delegate"]["undelegated"]
    (line,) = [note for note in made.notes if "tables" in note]
    assert line.startswith("in float between int8 tensors, where XNNPACK looks them up in tables: ")
    assert "1 HARD_SWISH" in line
    assert "1 MAXIMUM" in line


class Attention(nn.Module):
    """Products of two computed matrices, which have no weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(1, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an image."""
        rows = self.stem(x).flatten(2).transpose(1, 2)[:, None]
        return self.last(nn.functional.scaled_dot_product_attention(rows, rows, rows))


@pytest.mark.parametrize(
    "network",
    [
        Attention(),
        # The sums of windows are operators inside others.
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.Conv2d(8, 4, 1)),
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.LocalResponseNorm(3), nn.Conv2d(8, 4, 1)),
    ],
    ids=["attention", "uneven-mean", "response-norm"],
)
def test_what_the_quantizer_cannot_see_into(network: nn.Module, tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 1, 3, 16, 16)
    (profile,) = choose_profiles("tflite", int8=True)
    job = job_of(network, images[0], folder=tmp_path)
    convert(replace(job, profile=profile, sets=[images.numpy()]))
    facts = inspect({"runtime": "litert", "model": str(tmp_path / "model.tflite"), "threads": 1})
    assert {one["inputs"][0] for one in facts["executed"] if one["type"] == "CONV_2D"} == {"int8"}
