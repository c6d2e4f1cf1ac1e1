"""An int8 file whose worst output is too far from its network gets a region in float, and no more than it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgekit.artifacts.children.own_network import converter, nearness
from edgekit.convert.any.fallback import near_enough
from edgekit.convert.any.job import AnyJob, Nearness
from edgekit.convert.int8.tensor_effect import Effect
from edgekit.convert.int8.tensor_noise import Touched
from edgekit.forms.profiles import choose_profiles
from edgekit.types import Format

INPUTS = np.random.default_rng(0).random((6, 1, 3, 12, 12)).astype(np.float32)


class Uneven(nn.Module):
    """Joins what is small with what is large, and reads the small one: one scale for both leaves nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.large = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 3, padding=1)
        self.both, self.last = nn.Conv2d(16, 8, 1), nn.Conv2d(8, 4, 3, padding=1)
        self.both.weight.data[:, 8:] /= 1000

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        small = torch.relu(self.first(image))
        joined = torch.cat([small, 1000 * torch.relu(self.large(image))], 1)
        return self.last(torch.relu(self.both(joined))), small


def job(format_: Format, folder: Path) -> AnyJob:
    (profile,) = choose_profiles(format_, int8=True)
    bounds = profile.parity.model_copy(update={"min_sqnr_db": 15.0})
    program = torch.export.export(Uneven().eval(), (torch.from_numpy(INPUTS[0]),), strict=False)
    return AnyJob(
        program=program,
        file=None,
        profile=profile,
        target="x86-vnni",
        sets=[INPUTS],
        inputs=("image",),
        outputs=("mask", "small"),
        folder=folder,
        judge=lambda expected, got: nearness(expected, got, bounds),
    )


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_the_region_in_float(format_: Format, tmp_path: Path) -> None:
    """All in int8 misses the bound of one output; the region that mends it is small, and said in one line."""
    asked = job(format_, tmp_path)
    made = converter(format_)(asked)
    assert made.float_nodes
    (line,) = [note for note in made.notes if note.startswith("all in int8 gives SQNR")]
    share = float(line.partition("in float, ")[2].partition("%")[0])
    assert share <= 50
    assert float(line.split(" dB")[-2].split()[-1]) >= 15
    assert {file.name for file in tmp_path.iterdir()} == set(made.files)
    strict = converter(format_)(replace(asked, strict_int8=True))
    assert not strict.float_nodes


class Spiked(nn.Module):
    """Grows single values a thousandfold, and then ignores how large they are."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.last = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        square = image * image
        return self.last(torch.tanh(2 * (square * square)))


@pytest.mark.parametrize("format_", ["onnx", "tflite"])
def test_ranges_leave_out_a_few_values_where_that_is_nearer(format_: Format, tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((6, 1, 3, 32, 32)).astype(np.float32)
    images[:, 0, 0, 5, 5] = 6.0
    program = torch.export.export(Spiked().eval(), (torch.from_numpy(images[0]),), strict=False)
    asked = replace(job(format_, tmp_path), program=program, sets=[images], outputs=("scores",))
    found: list[float] = []

    def judge(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> Nearness:
        said = asked.judge(expected, got)
        found.append(said.sqnr_db)
        return said

    made = converter(format_)(replace(asked, judge=judge))
    assert made.quantization is not None
    assert str(made.quantization["ranges"]).startswith("outliers ")
    assert not made.float_nodes
    first, *others = found
    assert len(others) == 2
    assert max(others) > first + 6


class Padded(nn.Module):
    """A max pool whose padding is written out, and scores that are masked: minus infinity in between."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.register_buffer("mask", torch.zeros(12).index_fill(0, torch.tensor([3, 7]), -torch.inf))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.first(image)
        wide = nn.functional.pad(features, (0, 1, 0, 1), value=-torch.inf)
        pooled = nn.functional.max_pool2d(wide, 2, 1)
        return self.last(pooled), torch.softmax(features.mean(1) + self.mask, -1)


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_what_is_infinite_stays_in_float(format_: Format, tmp_path: Path) -> None:
    program = torch.export.export(Padded().eval(), (torch.from_numpy(INPUTS[0]),), strict=False)
    asked = replace(job(format_, tmp_path), program=program, outputs=("map", "scores"))
    made = converter(format_)(asked)
    assert set(made.files) == {file.name for file in tmp_path.iterdir()}
    assert not any(note.endswith(("the nearest", "none is nearer")) for note in made.notes)  # the bounds are met


class Gated(nn.Module):
    """A gate that training left open: no weights but a bias, whose number in int8 would need more than 32 bits."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.gate, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 4, 1)
        self.gate.weight.data[2:6] *= 1e-13
        self.gate.bias.data[2:6] = 2.0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.first(image))
        return self.last(features * torch.sigmoid(self.gate(features.mean((2, 3), keepdim=True))))


@pytest.mark.parametrize("format_", ["onnx", "tflite", "openvino"])
def test_a_bias_without_weights_keeps_its_value(format_: Format, tmp_path: Path) -> None:
    program = torch.export.export(Gated().eval(), (torch.from_numpy(INPUTS[0]),), strict=False)
    made = converter(format_)(replace(job(format_, tmp_path), program=program, outputs=("map",)))
    assert not made.float_nodes
    assert not made.notes  # all in int8 meets the bound


class Grouped(nn.Module):
    """A transposed convolution of two groups, whose scales ONNX Runtime's quantizer takes for those of one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.up = nn.Conv2d(3, 8, 3, padding=1), nn.ConvTranspose2d(8, 8, 2, stride=2, groups=2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.up(torch.relu(self.first(image)))


def test_a_transposed_convolution_of_groups_stays_in_float(tmp_path: Path) -> None:
    program = torch.export.export(Grouped().eval(), (torch.from_numpy(INPUTS[0]),), strict=False)
    made = converter("onnx")(replace(job("onnx", tmp_path), program=program, outputs=("map",)))
    model = onnx.load_model(tmp_path / made.files[0])
    made_by = {name: node.op_type for node in model.graph.node for name in node.output}
    types = {one.name: one.data_type for one in model.graph.initializer}
    weights = {node.op_type: node.input[1] for node in model.graph.node if "Conv" in node.op_type}
    assert made_by[weights["Conv"]] == "DequantizeLinear"
    assert types[weights["ConvTranspose"]] == onnx.TensorProto.FLOAT
    assert not made.notes


class Counted:
    """A kit whose files lose what the tensors that are still rounded say; it counts the files."""

    expected: list[Any] = []  # noqa: RUF012 - the protocol's own form

    ways: tuple[int, ...] = ()
    outliers = 0

    def __init__(self, noises: Sequence[float]) -> None:
        self.noises, self.made = noises, 0

    def tensors(self, effects: Sequence[Effect]) -> tuple[Sequence[Touched], Mapping[str, int]]:
        touched = [Touched(noise, frozenset({str(n)}), f"tensor {n}") for n, noise in enumerate(self.noises)]
        return touched, {"0": 1, "last": 99}

    def quantized(self, kept: frozenset[str]) -> Path:
        self.made += 1
        return Path(",".join(sorted(kept, key=int)) or "none")

    def outputs(self, file: Path) -> list[Any]:
        return [file]


def judged(noises: Sequence[float], bound: float) -> Any:
    def judge(_: Any, got: Any) -> Nearness:
        kept = set(str(got[0]).split(","))
        left = sum(noise for n, noise in enumerate(noises) if str(n) not in kept)
        reached = -10 * np.log10(left + 1e-9)
        return Nearness(reached - bound, reached, () if reached >= bound else ("too far",))

    return judge


def test_it_stops_where_the_bound_is_met(tmp_path: Path) -> None:
    noises = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002]
    kit = Counted(noises)
    file, kept, (line,) = near_enough(kit, replace(job("onnx", tmp_path), judge=judged(noises, 15.0)))
    assert file == Path("0,1,2,3,4")
    assert kept == set("01234")
    assert kit.made <= 6
    assert "SQNR 0.5 dB at the worst output (too far); with the results" in line
    assert "with the results of tensor 1, tensor 0, tensor 2 and 2 more in" in line
    assert "in float, 1.0% of MACs" in line


def test_where_no_region_does(tmp_path: Path) -> None:
    """The nearest is told, for the error."""
    noises = [0.5, 0.2]
    kit = Counted(noises)
    _, kept, (line,) = near_enough(kit, replace(job("onnx", tmp_path), judge=judged(noises, 200.0)))
    assert kept == {"0", "1"}
    assert line.endswith("dB, the nearest")
